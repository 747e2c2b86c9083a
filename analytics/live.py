"""What goes on in the shop now: who is here, what they look at, what they order, and what today brought so far.

However many look, it is asked once in a few seconds (docs/decisions/0018).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from analytics import selectors
from analytics.hours import counted
from analytics.metrics import Totals
from analytics.models import RealtimeMetrics
from analytics.selectors import MINUTE
from analytics.statements import looked_at, one_row
from core.clock import day_bounds, shop_day
from core.postgresql.replica import from_replica
from core.single_flight import once
from orders.models import Order
from sessions_app.selectors import active_session_count

FRESH_SECONDS = 5
LATELY = timedelta(minutes=5)
STEPS = timedelta(minutes=10)
BARS = 30
PAGES = 10
ORDERS = 20


@dataclass(frozen=True)
class Minute:
    """The minute that ended then: the sessions seen in it, None where nobody has counted them."""

    ended: datetime
    visits: int | None


@dataclass(frozen=True)
class PageNow:
    """A page, and the visits that looked at it in the last 5 minutes."""

    page: str
    visits: int


@dataclass(frozen=True)
class LiveOrder:
    """An order of today. `visit` and `channel` are None for one without a visit."""

    id: UUID
    number: str
    placed_at: datetime
    total: Decimal
    currency: str
    status: str
    visit: UUID | None
    channel: str | None


@dataclass(frozen=True)
class Present:
    """The shop now. Visits are distinct sessions over their window, never sums of minutes; the last of the minutes is
    the one that ends now. `carts` and `checkouts` are of 10 minutes, orders of today, the newest first.
    """

    at: datetime
    visits_5_minutes: int
    visits_30_minutes: int
    minutes: list[Minute]
    pages: list[PageNow]
    carts: int
    checkouts: int
    orders: list[LiveOrder]


@dataclass(frozen=True)
class Today:
    """What the shop's day brought until then."""

    at: datetime
    totals: Totals


def present(*, now: datetime) -> Present:
    """The shop as it is, or was a few seconds ago."""
    return once(f"live:{settings.SHOP_TIME_ZONE}", lambda: present_now(now=now), seconds=FRESH_SECONDS)


def today(*, now: datetime) -> Today:
    """The day so far. In a large shop it takes a while to count, and is then some minutes old: `at` says it."""
    day = shop_day(now)
    return once(f"live:{settings.SHOP_TIME_ZONE}:{day}", lambda: today_now(now=now), seconds=FRESH_SECONDS)


def present_now(*, now: datetime) -> Present:
    """The shop, asked now."""
    here = selectors.realtime(now=now)
    return Present(
        at=now,
        visits_5_minutes=active_session_count(since=now - LATELY),
        visits_30_minutes=here["active_users"],
        minutes=[*minutes_before(now), Minute(now, here["users_per_minute"])],
        pages=pages_now(now),
        orders=orders_of_today(now),
        **steps_now(now),
    )


@from_replica
def today_now(*, now: datetime) -> Today:
    """The day so far, counted now."""
    start, _end = day_bounds(shop_day(now))
    return Today(now, counted(start, now))


def minutes_before(now: datetime) -> list[Minute]:
    """The 29 minutes before this one, as the job has noted them."""
    this = now.replace(second=0, microsecond=0)
    ends = [this - n * MINUTE for n in range(BARS - 1, 0, -1)]
    noted = RealtimeMetrics.objects.filter(minute__gte=ends[0], minute__lt=this)
    found = dict(noted.values_list("minute", "users_per_minute"))
    return [Minute(ended, found.get(ended)) for ended in ends]


def pages_now(now: datetime) -> list[PageNow]:
    """What visits look at, most of all first."""
    return [PageNow(row["page"], row["sessions"]) for row in looked_at(since=now - LATELY, limit=PAGES)]


def steps_now(now: datetime) -> dict[str, int]:
    """`carts` and `checkouts`: visits that filled a cart or began a checkout within 10 minutes."""
    parameters = {"since": now - STEPS, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}
    return one_row("steps_now", parameters)


def orders_of_today(now: datetime) -> list[LiveOrder]:
    """The last orders of the shop's day."""
    start, _end = day_bounds(shop_day(now))
    columns = ("id", "number", "placed_at", "total", "currency", "status")
    of_visit = ("visitor_session_id", "visitor_session__channel")
    placed = Order.objects.filter(placed_at__gte=start, placed_at__lte=now).order_by("-placed_at", "-id")
    return [LiveOrder(*row) for row in placed.values_list(*columns, *of_visit)[:ORDERS]]

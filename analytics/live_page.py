"""The admin's Live page, which asks for its figures anew every ten seconds (docs/decisions/0018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from analytics import live, selectors
from analytics.figures import written
from analytics.live import LiveOrder, Minute, Present, Today
from analytics.metrics import Kind, Totals, derived
from analytics.panels import OUTCOMES
from core.admin import record_page
from core.clock import now, shop_zone
from core.money import money_text
from core.single_flight import once
from orders.models import Order

BAR_UNITS, BAR_HEIGHT = 10, 60
"""Of the drawing: how wide a minute is, and how high the busiest one."""
may_see = permission_required("analytics.view_dailymetrics", raise_exception=True)


@dataclass(frozen=True)
class Viewer:
    """What the person looking may see besides figures."""

    orders: bool
    visits: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Viewer:
        """Whoever asks."""
        may = request.user.has_perm
        return cls(orders=may("orders.view_order"), visits=may("sessions_app.view_visitorsession"))


@dataclass(frozen=True)
class Drawn:
    """The part of the page that changes. Its version, an ETag, is another one as soon as anything in it is."""

    text: SafeString
    version: str


@require_safe
@may_see
def page(request: HttpRequest) -> HttpResponse:
    """`GET /admin/live/`: the whole page, which says all there is without a script too."""
    present, drawn = looked_at(request)
    context = admin.site.each_context(request) | vars(drawn)
    context |= {"title": "Live", "age": age(present), "at": localtime(present.at), "zone": str(shop_zone())}
    return TemplateResponse(request, "analytics/live.html", context)


@require_safe
@may_see
def figures(request: HttpRequest) -> HttpResponse:
    """`GET /admin/live/figures/`: what changes on it, or 304 if nothing has. `Age` says how many seconds old it is."""
    present, drawn = looked_at(request)
    unchanged = get_conditional_response(request, etag=drawn.version)
    answer = unchanged or HttpResponse(drawn.text)
    answer.headers["ETag"], answer.headers["Age"] = drawn.version, str(age(present))
    return answer


def looked_at(request: HttpRequest) -> tuple[Present, Drawn]:
    """The shop now, and what the page says of it to whoever asks: drawn once for all who may see the same."""
    instant = now()
    present, today, viewer = live.present(now=instant), live.today(now=instant), Viewer.of(request)
    seen = f"{present.at.timestamp()}:{today.at.timestamp()}:{viewer.orders:d}{viewer.visits:d}"
    name = f"live:{seen}:{request.build_absolute_uri('/')}"
    return present, once(name, lambda: draw(request, present, today, viewer), seconds=live.FRESH_SECONDS)


def draw(request: HttpRequest, present: Present, today: Today, viewer: Viewer) -> Drawn:
    """The part of the page that changes, for such a viewer."""
    shown = {
        "state": state(present),
        "here": here(present),
        "bars": bars(present.minutes),
        "sentence": sentence(present.minutes),
        "pages": [(entry.page or "–", written(entry.visits, Kind.COUNT)) for entry in present.pages],
        "orders": [order_line(order, viewer) for order in present.orders],
        "viewer": viewer,
        "today": in_short(today.totals),
        "until": clock(today.at),
        "zone": str(shop_zone()),
    }
    text = render_to_string("analytics/live_figures.html", shown, request)
    return Drawn(text, f'"{sha1(text.encode(), usedforsecurity=False).hexdigest()}"')


def age(present: Present) -> int:
    """Seconds since the shop was asked."""
    return max(0, int((now() - present.at).total_seconds()))


def state(present: Present) -> str:
    """`busy`; `quiet` when nobody is here and nothing was ordered today; `new` in a shop that has seen nothing."""
    if present.visits_30_minutes or present.orders:
        return "busy"
    return "quiet" if selectors.has_history() else "new"


def here(present: Present) -> list[dict[str, str]]:
    """The headline numbers, and of how many minutes they are."""
    counts = [
        ("here now", "last 5 minutes", present.visits_5_minutes),
        ("visitors", "last 30 minutes", present.visits_30_minutes),
        ("carts filled", "last 10 minutes", present.carts),
        ("checkouts begun", "last 10 minutes", present.checkouts),
    ]
    return [{"title": title, "span": span, "value": written(count, Kind.COUNT)} for title, span, count in counts]


@dataclass(frozen=True)
class Bar:
    """A minute as it is drawn, in units of the drawing, and as it is said."""

    x: int
    y: int
    height: int
    ended: str
    visits: str


def bars(minutes: Sequence[Minute]) -> list[Bar]:
    """The minutes, the busiest one as high as the drawing. One that nobody counted has no bar; nobody has a line."""
    most = max((minute.visits or 0 for minute in minutes), default=0) or 1
    drawn = []
    for place, minute in enumerate(minutes):
        height = 0 if minute.visits is None else max(1, round(BAR_HEIGHT * minute.visits / most))
        said = "not counted" if minute.visits is None else written(minute.visits, Kind.COUNT)
        drawn.append(Bar(place * BAR_UNITS, BAR_HEIGHT - height, height, clock(minute.ended), said))
    return drawn


def sentence(minutes: Sequence[Minute]) -> str:
    """What the bars show: `Now 12, most 31 at 14:02.`"""
    *before, last = minutes
    visits, ended = max((minute.visits or 0, minute.ended) for minute in minutes)
    most = "the most of 30 minutes" if visits == last.visits else f"most {visits:,} at {clock(ended)}"
    said = f"Now {last.visits:,}, {most}." if visits else "Nobody."
    missing = sum(minute.visits is None for minute in before)
    return f"{said} {missing} of 30 minutes were not counted." if missing else said


def order_line(order: LiveOrder, viewer: Viewer) -> dict[str, str]:
    """An order in the list: to whom may not view orders only that there was one, when, and what became of it."""
    title = OUTCOMES[Order.Status(order.status)]
    line = {"at": order.placed_at.isoformat(), "time": clock(order.placed_at, "%H:%M:%S"), "state": title}
    line |= {"channel": order.channel or "no visit", "said": title}
    if viewer.orders:
        total = money_text(order.total, order.currency)
        line |= {"number": order.number, "link": record_page("orders_order", order.id), "total": total}
        line["said"] = f"{order.number}, {total}, {title}"
    if viewer.visits and order.visit:
        line["visit"] = record_page("sessions_app_visitorsession", order.visit)
    return line


def in_short(totals: Totals) -> list[dict[str, str]]:
    """The day so far."""
    return [
        {"title": "visits", "value": written(totals.total_visits, Kind.COUNT)},
        {"title": "orders placed", "value": written(totals.placed_orders, Kind.COUNT)},
        {"title": "orders paid", "value": written(totals.total_orders, Kind.COUNT)},
        {"title": "sales", "value": written(totals.total_sales, Kind.MONEY)},
        {"title": "conversion", "value": written(derived(totals)["conversion_rate"], Kind.RATE)},
    ]


def clock(instant: datetime, form: str = "%H:%M") -> str:
    """What the shop's clock shows then."""
    return localtime(instant).strftime(form)

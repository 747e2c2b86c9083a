"""What the stats API answers: plain numbers by name. Days are the shop's; definitions stand in `analytics.metrics`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max, Sum

from analytics import selectors
from analytics.attribution import Model
from analytics.goals import goals
from analytics.metrics import ADDITIVE, Totals, added, derived, from_columns, percent, steps
from analytics.models import DailyBreakdown, DailyMetrics, RealtimeMetrics
from analytics.periods import EARLIEST, Window, last_instant, previous
from analytics.returns import MOST_DAYS, are_counted
from analytics.services import RangeError
from analytics.statements import looked_at, rows, statement
from checkout.models import CheckoutSession
from core import measured
from core.clock import shop_day
from core.errors import InvalidInputError
from core.money import ZERO
from orders.models import Order
from sessions_app.dimensions import COLUMNS, EVENTS, OTHER, TOUCHED, Dimension

Figures = dict[str, Any]
KEPT_SECONDS = 300
STATS = "stats"
"""What this cache is called among those that are counted."""
NO_SESSION = "(no session)"
"""Under what orders of no visit are told; so in attributed.sql."""
TO_COME = "This day has not begun yet."
TOO_EARLY = f"No day before {EARLIEST} is counted."
TOO_LONG = f"A range has {MOST_DAYS} days at most."
LAST_MINUTES = timedelta(minutes=30)
LAST_HOUR = timedelta(hours=1)
TOP_PAGES = 10


class ModelError(InvalidInputError):
    """A dimension of which touches know nothing, asked for by a touch."""

    message = "Touches know nothing of this dimension."


def window_of(first: date, last: date, *, now: datetime) -> Window:
    """These days; the last one as far as it has come.

    Raises:
        RangeError: they are reversed, too many, too long ago, or to come.
    """
    if last < first:
        raise RangeError(details={"to": [str(RangeError.message)]})
    if first < EARLIEST:
        raise RangeError(TOO_EARLY, details={"from": [TOO_EARLY]})
    if last > shop_day(now):
        raise RangeError(TO_COME, details={"to": [TO_COME]})
    if (last - first).days >= MOST_DAYS:
        raise RangeError(TOO_LONG, details={"from": [TOO_LONG]})
    return Window(first, last, now if last == shop_day(now) else last_instant(last))


def cached(name: str, window: Window, answer: Callable[[], Any]) -> Any:
    """What `answer` says, kept until a row of these days is computed again, for 5 minutes at most."""
    days = DailyMetrics.objects.filter(date__range=(previous(window).first, window.last))
    version = days.aggregate(at=Max("computed_at"))["at"]
    shop = f"{settings.SHOP_TIME_ZONE}:{settings.SHOP_CURRENCY}:{settings.COUNT_UNCONFIRMED_SESSIONS}"
    key = f"{STATS}:{settings.VERSION}:{shop}:{name}:{window.first}:{window.last}:{version}"
    if (kept := cache.get(key)) is not None:
        measured.looked_up(STATS, found=1)
        return kept
    measured.looked_up(STATS, missed=1)
    made = answer()
    cache.set(key, made, KEPT_SECONDS)
    return made


def daily(window: Window, *, compare: bool) -> Figures:
    """`days`: the numbers of each; `totals`: of all. `comparison` is the same of the window before, or None.

    A day that is not over is as its row says, so that days make the totals; the window before then ends at the hour at
    which that was computed.
    """
    found = stored_days(window)
    window = as_computed(window, found[-1]["computed_at"])
    here = stretch(found, selectors.unique_visitors_of(window))
    answer = {"currency": settings.SHOP_CURRENCY, **here, "comparison": None}
    if compare:
        before = previous(window)
        days = stored_days(before) if before.is_whole else [*stored_days(before)[:-1], cut_day(before)]
        answer["comparison"] = stretch(days, selectors.unique_visitors_of(before))
    return answer


def as_computed(window: Window, at: datetime | None) -> Window:
    """The window until its last day was computed, if that is not over; all of it if it never was."""
    if at is None or window.is_whole or not window.last_start < at < window.until:
        return window
    return replace(window, until=at)


def stretch(days: list[Figures], unique: int) -> Figures:
    """Days and what they make together. `unique` are the visitors of them all."""
    totals = added(from_columns(day) for day in days)
    return {"from": days[0]["date"], "to": days[-1]["date"], "days": days, "totals": figures_of(totals, unique)}


def stored_days(window: Window) -> list[Figures]:
    """A row a day, zeros for one never computed."""
    stored = selectors.daily_rows(window.first, window.last)
    return [vars(stored.get(day) or DailyMetrics(date=day)) for day in window.days]


def cut_day(window: Window) -> Figures:
    """The last day of a window as far as the window goes."""
    part = Window(window.last, window.last, window.until)
    unique = selectors.unique_visitors_of(part)
    totals = selectors.slice_totals(part, selectors.daily_rows(part.last, part.last).get(part.last))
    return {"date": part.last, **figures_of(totals, unique), "computed_at": None, "is_final": False}


def figures_of(totals: Totals, unique: int) -> Figures:
    """Totals with all that follows from them."""
    found: Figures = {name: getattr(totals, name) for name in ADDITIVE}
    return {**found, **derived(totals), "unique_visits": unique, "existing_users": unique - totals.new_users}


def funnel(window: Window) -> list[Figures]:
    """Sessions by the step they reached: `step`, `sessions`, `of_previous` and `of_all` in percent."""
    stored = selectors.daily_rows(window.first, window.last)
    totals = added(from_columns(vars(row)) for row in stored.values())
    return [
        {"step": step, "sessions": n, "of_previous": percent(n, last), "of_all": percent(n, totals.total_visits)}
        for step, n, last in steps(totals)
    ]


def breakdown(window: Window, dimension: Dimension, *, model: Model, limit: int) -> list[Figures]:
    """The values of a dimension with what each brought: `value`, `visits`, `visitors`, `orders`, `revenue`,
    `conversion` (orders of visits, in percent). Products also have a `name`.

    By the visit that ordered, orders count on the day of the visit; those that no visit placed are a line after the
    others where it is told how visits came, by the day of the money. By a touch all count on the day of the money, and
    the lines add up to the shop's sales; visits are then the visits that came so.

    Raises:
        ModelError: touches know nothing of the dimension.
    """
    parameters = {"dimension": dimension, "first": window.first, "last": window.last, "limit": limit}
    found = rows(statement("range_values"), parameters)
    if model is not Model.SESSION:
        found = attributed(window, dimension, model, {row["value"]: row["visits"] for row in found})[:limit]
    elif dimension in TOUCHED:
        found += of_no_visit(window)
    visitors = visitors_of(window, dimension, [row["value"] for row in found])
    names = selectors.product_names(row["value"] for row in found) if dimension is Dimension.PRODUCT else None
    return [
        row
        | {"visitors": visitors.get(row["value"]), "conversion": percent(row["orders"], row["visits"])}
        | ({"name": names.get(row["value"], row["value"])} if names is not None else {})
        for row in found
    ]


def of_no_visit(window: Window) -> list[Figures]:
    """Orders by phone and imported ones as a line; none where there are none."""
    days = DailyMetrics.objects.filter(date__range=(window.first, window.last))
    sums = days.aggregate(orders=Sum("sessionless_orders", default=0), revenue=Sum("sessionless_sales", default=ZERO))
    return [{"value": NO_SESSION, "visits": 0, **sums}] if sums["orders"] else []


def attributed(window: Window, dimension: Dimension, model: Model, visits: dict[str, int]) -> list[Figures]:
    """Paid orders by what their first or last touch says.

    Raises:
        ModelError: touches know nothing of the dimension.
    """
    if dimension not in TOUCHED:
        raise ModelError(details={"dimension": [f"Touches know {', '.join(TOUCHED)}."]})
    sql = statement("attributed").format(touch=f"{model}_touch")
    parameters = {"field": TOUCHED[dimension], "start": window.start, "end": window.until}
    return [row | {"visits": visits.get(row["value"], 0)} for row in rows(sql, parameters)]


def visitors_of(window: Window, dimension: Dimension, values: list[str]) -> dict[str, int]:
    """Distinct visitors of each of these values, over the window: never the sum of its days. Of the rest of the values
    nobody knows which ones somebody had on another day.
    """
    if window.first == window.last:
        stored = DailyBreakdown.objects.filter(date=window.last, dimension=dimension, value__in=values)
        return dict(stored.values_list("value", "visitors"))
    values = [value for value in values if value != OTHER]
    if are_counted(window.first, window.last):
        parameters = {"dimension": dimension, "first": window.first, "last": window.last, "values": values}
        return {row["value"]: row["visitors"] for row in rows(statement("range_returns"), parameters)}
    return visitors_from_visits(window, dimension, values)


def visitors_from_visits(window: Window, dimension: Dimension, values: list[str]) -> dict[str, int]:
    """The same from raw rows: of a range with a day whose returns are not counted yet."""
    parameters = {
        "start": window.start,
        "end": window.until,
        "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS,
        "values": values,
    }
    if column := COLUMNS.get(dimension):
        sql = statement("range_visitors").format(column=column)
    else:
        event, column = EVENTS[dimension]
        sql = statement("range_viewers").format(column=column)
        parameters["event"] = event
    return {row["value"]: row["visitors"] for row in rows(sql, parameters)}


def goals_of(window: Window) -> Figures:
    """The goals of the window's days and of the months that they touch, and how far each is reached."""
    days, months = goals(window.days)
    return {"currency": settings.SHOP_CURRENCY, "days": days, "months": months}


def realtime(*, now: datetime) -> Figures:
    """Who is here now, the minutes before, what they look at, open checkouts, and orders of the last hour."""
    minutes = RealtimeMetrics.objects.filter(minute__gt=now - LAST_MINUTES).order_by("minute")
    placed = Order.objects.filter(placed_at__gt=now - LAST_HOUR).aggregate(orders=Count("id"), total=Sum("total"))
    return selectors.realtime(now=now) | {
        "minutes": [{"minute": row.minute, "users": row.users_per_minute} for row in minutes],
        "top_pages": looked_at(since=now - LAST_MINUTES, limit=TOP_PAGES),
        "open_checkouts": CheckoutSession.objects.open().count(),
        "orders_last_hour": placed["orders"],
        "sales_last_hour": placed["total"] or ZERO,
        "currency": settings.SHOP_CURRENCY,
    }

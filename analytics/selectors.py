"""Reads for the dashboard and the stats API. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum

from analytics.goals import goals_by_day
from analytics.hours import counted
from analytics.metrics import Totals, added, from_columns, from_hour, percent
from analytics.models import DailyMetrics, HourlyMetrics
from analytics.periods import Window
from analytics.returns import are_counted, are_counted_in, with_counted
from analytics.statements import one_row, rows, statement
from catalog.models import Product
from core.admin import as_uuid
from core.clock import hours_of_day, shop_day
from core.money import ZERO
from orders.models import Order
from sessions_app.dimensions import Dimension, Filters, conditions, fulfilling
from sessions_app.models import VisitorSession
from sessions_app.selectors import active_session_count

Rows = Mapping[date, DailyMetrics]
"""Stored rows by their day; a day that was never computed has none."""
ACTIVE = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def first_day() -> date | None:
    """The day of the first visit or order ever; None in a shop that has neither."""
    visit = VisitorSession.objects.aggregate(at=Min("started_at"))["at"]
    order = Order.objects.aggregate(at=Min("placed_at"))["at"]
    instants = [instant for instant in (visit, order) if instant]
    return shop_day(min(instants)) if instants else None


def last_frozen_day(first: date, last: date) -> date | None:
    """The last of these days of which only numbers are kept; None if there is none."""
    frozen = DailyMetrics.objects.filter(date__range=(first, last), is_frozen=True)
    day: date | None = frozen.aggregate(day=Max("date"))["day"]
    return day


def daily_rows(first: date, last: date) -> Rows:
    """The stored rows of these days."""
    return {row.date: row for row in DailyMetrics.objects.filter(date__range=(first, last))}


def rows_of(windows: Iterable[Window]) -> Rows:
    """The stored rows of the days of all these windows, `with_counted`."""
    days = [Q(date__range=(window.first, window.last)) for window in windows]
    return {row.date: row for row in with_counted(DailyMetrics.objects.filter(reduce(or_, days)))}


def waiting_days(windows: Iterable[Window], stored: Rows, *, before: date) -> list[date]:
    """Days of these windows, those before one, that were never computed or wait to be computed again; none from before
    the shop's first row. `stored` are the rows of them all (`rows_of`).
    """
    begin = next((vars(row)["begin"] for row in stored.values()), None) or first_row()
    days = {day for window in windows for day in window.days if begin and begin <= day < before}
    return sorted(day for day in days if not (day in stored and stored[day].is_settled))


def first_row() -> date | None:
    """The first day that has a row."""
    return DailyMetrics.objects.order_by("date").values_list("date", flat=True).first()


def slice_totals(window: Window, row: DailyMetrics | None) -> Totals:
    """What the last day of a window, of which this is the row, brought until its end; crawlers only by whole days.

    Of a day that is settled its row says it, or its hours and raw rows for the hour that the window ends in; of a
    frozen day, whose raw rows go, its whole hours. Today is counted from raw rows: its hours are minutes old, and what
    came of their visits changes by the second.
    """
    settled = row if row and row.is_settled else None
    if settled and window.is_whole:
        return from_columns(vars(settled))
    if settled and (hours := stored_hours(window.last)):
        return added(parts_until(window.until, hours, is_frozen=settled.is_frozen))
    return counted(window.last_start, window.until)


def stored_hours(day: date) -> list[HourlyMetrics]:
    """The rows of all hours of a day, the first one first; none if one is missing."""
    begins = hours_of_day(day)
    rows = HourlyMetrics.objects.filter(hour__in=begins).order_by("hour")
    return list(rows) if len(rows) == len(begins) else []


def parts_until(end: datetime, hours: list[HourlyMetrics], *, is_frozen: bool) -> Iterator[Totals]:
    """Hours that ended until then as stored, and what the one that is cut had brought; of a frozen day nobody knows."""
    whole = sum(following.hour <= end for following in hours[1:])
    yield from (from_hour(vars(hour)) for hour in hours[:whole])
    if hours[whole].hour < end and not is_frozen:
        yield counted(hours[whole].hour, end)


def hours_of_week(window: Window) -> list[dict[str, Any]]:
    """What each hour of the week brought over a window, as stored: `weekday` (1 is Monday), `hour` of the shop's clock,
    `visits`, `orders`, `sales`, and `hours`, of how many such hours that is the sum. All 168, Monday's first.
    """
    parameters = {"start": window.start, "end": window.until, "zone": settings.SHOP_TIME_ZONE}
    return rows(statement("hours_of_week"), parameters)


def window_totals(window: Window, stored: Rows, last_day: Totals) -> Totals:
    """Sums over a window: stored rows for its whole days, `last_day` for the day it ends in."""
    whole = [from_columns(vars(stored[day])) for day in window.days[:-1] if day in stored]
    return added([*whole, last_day])


def unique_visitors_of(window: Window, stored: Rows | None = None) -> int:
    """Distinct visitors of a window: of one day from visits, of more from who came again, where that is counted, as the
    rows of its days tell (`rows_of`).
    """
    is_open = not window.is_whole
    open_day = window.last if is_open else window.last + timedelta(days=1)
    parameters = {
        "start": window.start,
        "end": window.until,
        "first": window.first,
        "open": open_day,
        "open_start": window.last_start if is_open else window.until,
        "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS,
    }
    is_known = are_counted if stored is None else partial(are_counted_in, stored)
    whole_days = window.first < window.last and is_known(window.first, open_day - timedelta(days=1))
    return int(one_row("unique_returns" if whole_days else "unique", parameters)["visitors"])


@dataclass(frozen=True)
class Outcome:
    """Orders placed in a window that are in one state now."""

    status: str
    orders: int
    total: Decimal


def order_outcomes(window: Window, filters: Filters | None = None) -> list[Outcome]:
    """Orders placed in the window, or of filtered visits theirs, by their state now, every state named."""
    placed = Order.objects.filter(placed_at__gte=window.start, placed_at__lt=window.until)
    if filters:
        sql, values = conditions(filters, start=window.start, end=window.until)
        placed = placed.filter(visitor_session__in=VisitorSession.objects.filter(fulfilling(sql, values)).values("pk"))
    counted = placed.order_by().values_list("status").annotate(Count("id"), Sum("total"))
    found = {status: Outcome(status, orders, total) for status, orders, total in counted}
    return [found.get(status.value, Outcome(status.value, 0, ZERO)) for status in Order.Status]


@dataclass(frozen=True)
class Value:
    """One value of a dimension over a window. `visits` are views for products and pages; `name` is a product's, "" once
    it is gone; None where it was not read.
    """

    value: str
    visits: int
    orders: int
    revenue: Decimal
    name: str | None = field(default=None, compare=False)

    @property
    def conversion(self) -> Decimal:
        """Orders paid / visits, percent."""
        return Decimal(100 * self.orders) / self.visits if self.visits else ZERO


def top_values(window: Window, dimensions: list[Dimension], limit: int) -> dict[str, list[Value]]:
    """The values with most visits of each dimension. Visits without a campaign are no campaign."""
    parameters = {"dimensions": list(map(str, dimensions)), "first": window.first, "last": window.last, "limit": limit}
    found: dict[str, list[Value]] = defaultdict(list)
    for row in rows(statement("top_values"), parameters):
        found[row.pop("dimension")].append(Value(**row))
    return found


def product_names(values: Iterable[str]) -> dict[str, str]:
    """Names by the values of the product dimension; `(other)` and products that are gone have none."""
    ids = [key for value in values if (key := as_uuid(value))]
    return {str(key): name for key, name in Product.objects.filter(id__in=ids).values_list("id", "name")} if ids else {}


def has_history() -> bool:
    """Whether the shop has seen anything at all."""
    return VisitorSession.objects.exists() or Order.objects.exists()


def stats_of_day(day: date, *, now: datetime) -> dict[str, Any]:
    """Everything known of a day as stored, its goal, and who is here now. Zeros for a day never computed."""
    row = DailyMetrics.objects.filter(date=day).first()
    figures = {field.name: getattr(row or DailyMetrics(date=day), field.name) for field in DailyMetrics._meta.fields}
    goal = goals_by_day([day]).get(day, ZERO)
    progress = percent(figures["total_sales"], goal)
    goals = {"sales_goal": goal, "sales_goal_progress": progress, "currency": settings.SHOP_CURRENCY}
    return {**figures, **goals, **realtime(now=now)}


def realtime(*, now: datetime) -> dict[str, Any]:
    """Distinct sessions seen in the last 30 minutes and in the last one."""
    return {
        "active_users": active_session_count(since=now - ACTIVE),
        "users_per_minute": active_session_count(since=now - MINUTE),
        "timestamp": now,
    }

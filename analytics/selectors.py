"""Reads for the dashboard and the stats API. Nothing here writes."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, Sum

from analytics.metrics import Totals, added, from_columns
from analytics.models import DailyBreakdown, DailyMetrics, SalesGoal
from analytics.periods import Window
from analytics.returns import are_counted
from analytics.statements import one_row, rows, statement
from catalog.models import Product
from core.clock import shop_day
from core.money import ZERO
from orders.models import Order, WebhookDelivery
from sessions_app.models import DeadLetter, VisitorSession
from sessions_app.selectors import active_session_count

Dimension = DailyBreakdown.Dimension
ACTIVE = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def first_day() -> date | None:
    """The day of the first visit or order ever; None in a shop that has neither."""
    visit = VisitorSession.objects.aggregate(at=Min("started_at"))["at"]
    order = Order.objects.aggregate(at=Min("placed_at"))["at"]
    instants = [instant for instant in (visit, order) if instant]
    return shop_day(min(instants)) if instants else None


def daily_rows(first: date, last: date) -> dict[date, DailyMetrics]:
    """The stored rows of these days."""
    return {row.date: row for row in DailyMetrics.objects.filter(date__range=(first, last))}


def slice_totals(start: datetime, end: datetime) -> Totals:
    """What happened between two instants, counted from raw rows: for part of a day."""
    parameters = {
        "start": start,
        "end": end,
        "day": None,  # crawlers are counted by whole days and are in no total
        "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS,
    }
    parts = ("sessions", "visitors", "orders", "window_events")
    return from_columns(one_row(*parts, parameters=parameters, given="window"))


def window_totals(window: Window, stored: dict[date, DailyMetrics], last_day: Totals) -> Totals:
    """Sums over a window: stored rows for its whole days, `last_day` for the day it ends in."""
    whole = [from_columns(vars(stored[day])) for day in window.days[:-1] if day in stored]
    return added([*whole, last_day])


def unique_visitors(current: Window, previous: Window) -> tuple[int, int]:
    """Distinct visitors of each window, counted over it."""
    return unique_visitors_of(current), unique_visitors_of(previous)


def unique_visitors_of(window: Window) -> int:
    """Distinct visitors of a window: of one day from visits, of more from who came again, where that is counted."""
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
    whole_days = window.first < window.last and are_counted(window.first, open_day - timedelta(days=1))
    return int(one_row("unique_returns" if whole_days else "unique", parameters=parameters)["visitors"])


@dataclass(frozen=True)
class Outcome:
    """Orders placed in a window that are in one state now."""

    status: str
    orders: int
    total: Decimal


def order_outcomes(window: Window) -> list[Outcome]:
    """Orders placed in the window by their state now, every state named."""
    placed = Order.objects.filter(placed_at__gte=window.start, placed_at__lt=window.until)
    counted = placed.order_by().values_list("status").annotate(Count("id"), Sum("total"))
    found = {status: Outcome(status, orders, total) for status, orders, total in counted}
    return [found.get(status.value, Outcome(status.value, 0, ZERO)) for status in Order.Status]


@dataclass(frozen=True)
class Value:
    """One value of a dimension over a window. `visits` are views for products and pages."""

    value: str
    visits: int
    orders: int
    revenue: Decimal

    @property
    def conversion(self) -> Decimal:
        """Orders paid / visits, percent."""
        return Decimal(100 * self.orders) / self.visits if self.visits else ZERO


def top_values(window: Window, dimensions: list[Dimension], limit: int) -> dict[str, list[Value]]:
    """The values with most visits of each dimension. Visits without a campaign are no campaign; products have names."""
    parameters = {"dimensions": list(map(str, dimensions)), "first": window.first, "last": window.last, "limit": limit}
    found: dict[str, list[Value]] = defaultdict(list)
    for row in rows(statement("top_values"), parameters):
        found[row.pop("dimension")].append(Value(**row))
    if Dimension.PRODUCT in found:
        found[Dimension.PRODUCT] = with_names(found[Dimension.PRODUCT])
    return found


def with_names(values: list[Value]) -> list[Value]:
    """Products by name instead of id. One that is gone keeps its id."""
    names = product_names(entry.value for entry in values)
    return [replace(entry, value=names.get(entry.value, entry.value)) for entry in values]


def product_names(values: Iterable[str]) -> dict[str, str]:
    """Names by the values of the product dimension; `(other)` and products that are gone have none."""
    ids = [UUID(value) for value in values if not value.startswith("(")]
    return {str(key): name for key, name in Product.objects.filter(id__in=ids).values_list("id", "name")}


def goal_of_days(days: list[date]) -> Decimal:
    """The goals of these days: a day's own, else its share of the month's. 0 without any."""
    months = {day.replace(day=1) for day in days}
    goals = SalesGoal.objects.filter(starts_on__in=months.union(days))
    amounts = {(goal.period, goal.starts_on): goal.amount for goal in goals}
    return sum((goal_of_day(day, amounts) for day in days), ZERO)


def goal_of_day(day: date, amounts: dict[tuple[str, date], Decimal]) -> Decimal:
    """One day's goal, from the amounts by period and first day."""
    own = amounts.get((SalesGoal.Period.DAY, day))
    month = amounts.get((SalesGoal.Period.MONTH, day.replace(day=1)), ZERO)
    return own if own is not None else month / monthrange(day.year, day.month)[1]


@dataclass(frozen=True)
class Attention:
    """What somebody must look at."""

    orders: int
    dead_letters: int
    dead_deliveries: int = 0


def attention() -> Attention:
    """Counts of what waits for somebody."""
    dead = WebhookDelivery.objects.dead().count()
    return Attention(Order.objects.needing_attention().count(), DeadLetter.objects.count(), dead)


def has_history() -> bool:
    """Whether the shop has seen anything at all."""
    return VisitorSession.objects.exists() or Order.objects.exists()


def stats_of_day(day: date, *, now: datetime) -> dict[str, Any]:
    """Everything known of a day as stored, its goal, and who is here now. Zeros for a day never computed."""
    row = DailyMetrics.objects.filter(date=day).first()
    figures = {field.name: getattr(row or DailyMetrics(date=day), field.name) for field in DailyMetrics._meta.fields}
    goal = goal_of_days([day])
    progress = 100 * figures["total_sales"] / goal if goal else ZERO
    goals = {"sales_goal": goal, "sales_goal_progress": round(progress, 2), "currency": settings.SHOP_CURRENCY}
    return {**figures, **goals, **realtime(now=now)}


def realtime(*, now: datetime) -> dict[str, Any]:
    """Distinct sessions seen in the last 30 minutes and in the last one."""
    return {
        "active_users": active_session_count(since=now - ACTIVE),
        "users_per_minute": active_session_count(since=now - MINUTE),
        "timestamp": now,
    }

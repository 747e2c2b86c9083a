"""What the rules are asked about, read from the hours as stored and from payments. Nothing here writes.

A question is None where nothing can be said: too little is known of the shop, or the hour is not computed yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Count, Q

from analytics.alerts.rules import Conversion, Payments, Silence, Traffic
from analytics.alerts.shares import Stretch, conversion_of, silence_of
from analytics.alerts.usual import Hour, usual
from analytics.models import DailyMetrics, HourlyMetrics
from core.clock import day_bounds, hours_of_day, shop_day, shown
from orders.models import Order, PaymentAttempt

WEEKS = 8
"""So many make what is usual."""
LATELY = timedelta(hours=3)
"""Payments tried since then are compared with those before."""
BEFORE = timedelta(days=28)
SETTLES = timedelta(hours=1)
"""Visits are asked about only after it: until then some are on their way to be paid."""
COLUMNS = ("hour", "total_visits", "converted_sessions", "total_orders")


@dataclass(frozen=True)
class Span:
    """From one instant to another."""

    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        begins, ends = shown(self.begins), shown(self.ends)
        days = ends.date() > begins.date() and self.ends - self.begins > timedelta(hours=1)
        form = "%a %H:%M" if days else "%H:%M"
        return f"from {begins.strftime(form)} to {ends.strftime(form)}"


def slot_of(instant: datetime) -> int:
    """The place of an hour in the week of the shop's clock."""
    local = shown(instant)
    return local.weekday() * 24 + local.hour


def stored_hours(start: datetime, end: datetime) -> list[Hour]:
    """The hours between two instants as stored, the first one first."""
    stored = HourlyMetrics.objects.filter(hour__gte=start, hour__lt=end).order_by("hour").values_list(*COLUMNS)
    return [Hour(slot_of(hour), shop_day(hour), *counts) for hour, *counts in stored]


def weeks_before(day: date) -> list[Hour]:
    """The hours of the whole days of the last weeks before a day."""
    return stored_hours(day_bounds(day - timedelta(weeks=WEEKS))[0], day_bounds(day)[0])


def whole_hours(now: datetime) -> list[Span]:
    """The hours of yesterday and today that are over, the first one first."""
    today = shop_day(now)
    days = (today - timedelta(days=1), today, today + timedelta(days=1))
    begins = [hour for day in days for hour in hours_of_day(day)]
    return [Span(begin, end) for begin, end in pairwise(begins) if end <= now]


def is_computed(hour: Span) -> bool:
    """Whether the row of its day was computed after the hour was over: before that its own says too little."""
    return DailyMetrics.objects.filter(date=shop_day(hour.begins), computed_at__gte=hour.ends).exists()


def traffic(now: datetime, past: list[Hour]) -> Traffic | None:
    """The visits of the last whole hour."""
    last = whole_hours(now)[-1]
    if not is_computed(last):
        return None
    found = stored_hours(last.begins, last.ends)
    expected = usual(past, slot_of(last.begins), lambda hour: hour.visits)
    if not found or expected is None:
        return None
    return Traffic(found[0].visits, expected, str(last), f"{shown(last.begins):%A}s")


def conversion(now: datetime, past: list[Hour]) -> Conversion | None:
    """The visits of the last hours that are settled, and how many of them were paid."""
    spans = [hour for hour in whole_hours(now) if hour.ends <= now - SETTLES][-24:]
    if not is_computed(whole_hours(now)[-1]):
        return None
    found = stored_hours(spans[0].begins, spans[-1].ends)
    if len(found) < len(spans):
        return None
    return conversion_of(past, found, [str(Span(span.begins, spans[-1].ends)) for span in spans])


def silence(now: datetime, past: list[Hour]) -> Silence | None:
    """The time since the last paid order."""
    last = Order.objects.paid().filter(paid_at__lte=now).order_by("-paid_at").values_list("paid_at", flat=True).first()
    if last is None:
        return None
    begins = max(last, now - timedelta(weeks=1))
    form = "since %H:%M" if shop_day(last) == shop_day(now) else "since %a %-d %b %H:%M"
    return silence_of(past, list(stretches(begins, now)), lasts=now - last, since=shown(last).strftime(form))


def stretches(begins: datetime, ends: datetime) -> Iterator[Stretch]:
    """The hours of the shop's clock between two instants, the first and the last one in part."""
    days = (shop_day(ends) - shop_day(begins)).days
    edges = [hour for n in range(days + 1) for hour in hours_of_day(shop_day(begins) + timedelta(days=n))]
    for begin, end in pairwise([*edges, day_bounds(shop_day(ends))[1]]):
        part = min(end, ends) - max(begin, begins)
        if part > timedelta(0):
            yield Stretch(slot_of(begin), part / timedelta(hours=1))


def payments(now: datetime) -> Payments | None:
    """Orders whose payment was tried in the last hours, and in the weeks before."""
    tried, failed = orders_tried(now - LATELY, now)
    if not tried:
        return None
    before = orders_tried(now - BEFORE, now - LATELY)
    return Payments(tried, failed, *before, when=str(Span(now - LATELY, now)))


def orders_tried(start: datetime, end: datetime) -> tuple[int, int]:
    """Orders with an attempt that was opened in this time and has ended by success or refusal; those of them without a
    success. Attempts that nobody ended (`timeout`) say nothing of payments.
    """
    success, failure = PaymentAttempt.Status.SUCCESS, PaymentAttempt.Status.FAILURE
    ended = PaymentAttempt.objects.filter(status__in=(success, failure), opened_at__gte=start, opened_at__lt=end)
    orders = ended.filter(pk__gte=first_id(start)).order_by().values("order_session")
    counts = orders.annotate(paid=Count("pk", filter=Q(status=success))).values_list("paid", flat=True)
    paid = list(counts)
    return len(paid), paid.count(0)


def first_id(instant: datetime) -> UUID:
    """No id that was made since then is less (UUIDv7): so they are found without an index by time."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)

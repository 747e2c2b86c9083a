"""Weeks of a shop by the hour, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random

from analytics.alerts.usual import Hour
from analytics.models import DailyMetrics, HourlyMetrics
from core.clock import hours_of_day
from tests.analytics.days import DAY, NEXT_MORNING

MONDAY = date(2026, 1, 5)
LINES = ("total_visits", "converted_sessions", "total_orders")


def hours(counts: Callable[[int], int], weeks: int = 8, *, first: date = MONDAY) -> list[Hour]:
    """Whole weeks; `counts` says the visits of each hour from the first one on. Each tenth of them is paid."""
    made = []
    for place in range(weeks * 168):
        visits = counts(place)
        made.append(Hour(place % 168, first + timedelta(days=place // 24), visits, visits // 10, visits // 10))
    return made


def by_chance(rate: float, seed: int = 1) -> Callable[[int], int]:
    """Counts that scatter by chance alone around a small rate."""
    dice = Random(seed)

    def count(_place: int) -> int:
        found, waited = 0, dice.expovariate(rate)
        while waited < 1:
            found, waited = found + 1, waited + dice.expovariate(rate)
        return found

    return count


def store_days(days: Iterable[date], *counts: int) -> None:
    """Stores visits, paid visits and orders of each hour of these days, as computed after their end."""
    line, kept = dict(zip(LINES, counts, strict=True)), list(days)
    HourlyMetrics.objects.bulk_create(HourlyMetrics(hour=hour, **line) for day in kept for hour in hours_of_day(day))
    DailyMetrics.objects.bulk_create(DailyMetrics(date=day, computed_at=NEXT_MORNING + (day - DAY)) for day in kept)


def store_weeks(*counts: int) -> None:
    """The same for `DAY`, the day before, and that weekday of eight weeks. Others would only make the tests slow."""
    store_days([DAY - timedelta(days=1), *(DAY - timedelta(weeks=ago) for ago in range(9))], *counts)

"""Which days are computed, and when: today's, yesterday's, and those that something late has touched."""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction

from analytics.models import DailyMetrics
from analytics.services.daily import aggregate_day
from analytics.services.order_columns import count_orders
from analytics.statements import rows, statement
from core.clock import day_bounds, shop_day
from sessions_app import late_days as waiting

log = logging.getLogger(__name__)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""`computed_at` of a row that waits for its first computation."""
LATEST = timedelta(days=2)
"""Changes that are older were seen by the runs before, if there were any."""
MOST_MISSING = 60
"""Days of history without a row that one run computes, the newest first."""


def aggregate_today(*, now: datetime) -> DailyMetrics:
    """Refreshes today's row, after the earlier days that something late has touched.

    Raises:
        DatabaseError: a day failed; all others are computed.
    """
    return compute_days([*touched_days(now=now), shop_day(now)], now=now)[-1]


def aggregate_yesterday(*, now: datetime) -> DailyMetrics:
    """Makes yesterday's row final, the day's before once more, and the days that something late has touched.

    Events may arrive 24 hours after they happened and a visit may last as long: the day before yesterday is complete
    only now.

    Raises:
        DatabaseError: a day failed; all others are computed.
    """
    yesterday = shop_day(now) - timedelta(days=1)
    return compute_days(sorted({*touched_days(now=now), yesterday - timedelta(days=1), yesterday}), now=now)[-1]


def refresh_touched(*, now: datetime) -> list[date]:
    """Computes again the days before today that are marked dirty or that something late has touched.

    Raises:
        DatabaseError: a day failed; all others are computed.
    """
    return [row.date for row in compute_days(touched_days(now=now), now=now)]


def touched_days(*, now: datetime) -> list[date]:
    """The days before today that wait to be computed again, marked as such. Where only orders have changed, and not
    what visits brought, they are counted at once, which is soon done.
    """
    parameters = lately(now)
    mark_late(now=now, most=MOST_MISSING)
    for row in rows(statement("order_days"), parameters):
        count_orders(day=row["day"])
    dirty = DailyMetrics.objects.filter(is_dirty=True, date__lt=shop_day(now)).order_by("date")
    return list(dirty.values_list("date", flat=True))


@transaction.atomic
def mark_late(*, now: datetime, most: int | None) -> None:
    """Marks the days that something late has touched, and so many of imported history at most."""
    mark_dirty(days=[*late_days(now=now, most=most), *waiting.take()])


def compute_days(days: Iterable[date], *, now: datetime) -> list[DailyMetrics]:
    """Computes days one after the other. One that fails keeps none after it from its turn.

    Raises:
        DatabaseError: of the first that failed, once all others are computed.
    """
    rows, errors = [], []
    for day in days:
        try:
            rows.append(aggregate_day(day=day, now=now))
        except DatabaseError as error:
            log.exception("the numbers of %s could not be computed", day)
            errors.append(error)
    if errors:
        raise errors[0]
    return rows


def late_days(*, now: datetime, most: int | None) -> list[date]:
    """Days before today with orders that were paid or closed after the day was computed, and of imported history so
    many at most, the newest.
    """
    parameters = lately(now) | {"most": most, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}
    return [row["day"] for row in rows(statement("late_days"), parameters)]


def lately(now: datetime) -> dict[str, Any]:
    """What the statements ask for that look for what has changed: since the last run, and some days at least."""
    today = shop_day(now)
    start, _ = day_bounds(today - LATEST)
    computed = DailyMetrics.objects.exclude(computed_at=NEVER).order_by("-date").values_list("computed_at", flat=True)
    return {"today": today, "start": min(start, computed.first() or start), "zone": settings.SHOP_TIME_ZONE}


@transaction.atomic
def mark_dirty(*, days: Iterable[date]) -> None:
    """Asks for these days to be computed again by the next run. A day without a row gets an empty one."""
    marks = [DailyMetrics(date=day, computed_at=NEVER, is_dirty=True) for day in sorted(set(days))]
    DailyMetrics.objects.bulk_create(marks, ignore_conflicts=True)
    known = DailyMetrics.objects.filter(date__in=[mark.date for mark in marks]).order_by("date").select_for_update()
    DailyMetrics.objects.filter(date__in=list(known.values_list("date", flat=True))).update(is_dirty=True)

"""Which days are computed, and when: today's, yesterday's, and those that something late has touched."""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction

from analytics.models import DailyMetrics
from analytics.services.daily import aggregate_day
from analytics.statements import rows, statement
from core.clock import day_bounds, shop_day

log = logging.getLogger(__name__)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""`computed_at` of a row that waits for its first computation."""
LATEST = timedelta(days=2)
"""Money and events come a day late at most; one more for the visit's own length."""


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
    """The days before today that wait to be computed again, marked as such."""
    mark_dirty(days=late_days(now=now, most=MOST_MISSING))
    dirty = DailyMetrics.objects.filter(is_dirty=True, is_frozen=False, date__lt=shop_day(now)).order_by("date")
    return list(dirty.values_list("date", flat=True))


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
    today = shop_day(now)
    start, _ = day_bounds(today - LATEST)
    parameters = {
        "today": today,
        "start": start,
        "zone": settings.SHOP_TIME_ZONE,
        "most": most,
        "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS,
    }
    return [row["day"] for row in rows(statement("late_days"), parameters)]


@transaction.atomic
def mark_dirty(*, days: Iterable[date]) -> None:
    """Asks for these days to be computed again by the next run. A day without a row gets an empty one; one that is
    frozen is left alone.
    """
    marks = [DailyMetrics(date=day, computed_at=NEVER, is_dirty=True) for day in sorted(set(days))]
    DailyMetrics.objects.bulk_create(marks, ignore_conflicts=True)
    known = DailyMetrics.objects.filter(date__in=[mark.date for mark in marks]).order_by("date").select_for_update()
    open_days = [day for day, is_frozen in known.values_list("date", "is_frozen") if not is_frozen]
    DailyMetrics.objects.filter(date__in=open_days).update(is_dirty=True)

"""Days whose raw rows are being removed: what was counted of them stays."""

from datetime import date, datetime

from django.db import transaction

from analytics.models import DailyMetrics
from analytics.services.daily import RangeError, aggregate_day, take_turn
from analytics.services.late import late_days, mark_dirty
from core.clock import shop_day

NOT_OVER = "A day that is not over cannot be frozen."


@transaction.atomic
def freeze_days(*, before: date, now: datetime) -> list[date]:
    """Freezes the days before a date, so that nothing computes them again; returns those that were not yet frozen.

    A day that waits for a run, or was never computed, is computed first. To be called in the transaction that removes
    the raw rows of these days, before it does: whoever computes a day meanwhile waits, and then finds it frozen.

    Raises:
        RangeError: one of the days is not over.
    """
    if before > shop_day(now):
        raise RangeError(NOT_OVER)
    take_turn()
    mark_dirty(days=[day for day in late_days(now=now, most=None) if day < before])
    rows = list(DailyMetrics.objects.filter(date__lt=before, is_frozen=False).order_by("date").select_for_update())
    for row in rows:
        if not row.is_settled:
            aggregate_day(day=row.date, now=now)
    days = [row.date for row in rows]
    DailyMetrics.objects.filter(date__in=days).update(is_frozen=True)
    return days

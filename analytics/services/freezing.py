"""Days whose raw rows are being removed: what was counted of them stays."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from analytics.models import DailyBreakdown, DailyMetrics
from analytics.services.daily import RangeError, aggregate_day
from analytics.services.late import mark_late
from analytics.services.turns import take_turn
from core.clock import shop_day

HAD_VISITS = (
    Q(total_visits__gt=0)
    | Q(cart_additions__gt=0)
    | Q(checkouts_started__gt=0)
    | Exists(DailyBreakdown.objects.filter(date=OuterRef("date"), visits__gt=0))
)
"""Of a day's row: visits begun on it, or events of one that was begun before."""
NOT_OVER = "A day that is not over cannot be frozen."


@transaction.atomic
def freeze_days(*, before: date, now: datetime) -> list[date]:
    """Freezes the days before a date that had visits, so that nothing counts these again; returns those that were not
    yet frozen. A day of orders alone loses nothing, and is computed again whenever they change.

    A day that waits for a run, or was never computed, is computed first. To be called in the transaction that removes
    the raw rows of these days, before it does: whoever computes a day meanwhile waits, and then finds it frozen.

    Raises:
        RangeError: one of the days is not over.
    """
    if before > shop_day(now):
        raise RangeError(NOT_OVER)
    take_turn()
    mark_late(now=now, most=None)
    rows = list(DailyMetrics.objects.filter(date__lt=before, is_frozen=False).order_by("date").select_for_update())
    for row in rows:
        if not row.is_settled:
            aggregate_day(day=row.date, now=now)
    frozen = DailyMetrics.objects.filter(HAD_VISITS, date__in=[row.date for row in rows])
    days = list(frozen.order_by("date").values_list("date", flat=True))
    frozen.update(is_frozen=True)
    return days

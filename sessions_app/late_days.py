"""Days of which something came late, or was erased, so that their numbers must be computed again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from core.clock import day_bounds, shop_day
from sessions_app.models import LateDay


def counted_before(now: datetime) -> datetime:
    """The first instant of yesterday. Days before it are not computed again of themselves."""
    return day_bounds(shop_day(now) - timedelta(days=1))[0]


def note(days: Iterable[date]) -> None:
    """Asks for these days, in the transaction that changes what they are computed from."""
    LateDay.objects.bulk_create(LateDay(day=day) for day in sorted(set(days)))


def take() -> set[date]:
    """The days that wait; they do not any more. To be called in the transaction that sees to them."""
    found = dict(LateDay.objects.values_list("id", "day"))
    LateDay.objects.filter(id__in=found).delete()
    return set(found.values())

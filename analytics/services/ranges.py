"""History computed again by hand, day by day, so that a run that was stopped can go on."""

from collections.abc import Callable
from datetime import date, datetime

from django.db import transaction

from analytics.models import AggregationRun
from analytics.services.daily import RangeError, aggregate_day


@transaction.atomic
def begin_run(*, first: date, last: date, now: datetime) -> AggregationRun:
    """A run over the days from `first` to `last`. One that was stopped before is forgotten.

    Raises:
        RangeError: `last` lies before `first`.
    """
    if last < first:
        raise RangeError
    AggregationRun.objects.all().delete()
    return AggregationRun.objects.create(first=first, last=last, began_at=now)


def stopped_run() -> AggregationRun | None:
    """The last run that did not come to its end (or is under way), as far as it came."""
    return AggregationRun.objects.order_by("-id").first()


def finish_run(
    run: AggregationRun, *, now: datetime, progress: Callable[[date], None] = lambda day: None
) -> list[date]:
    """Computes the days of a run that are not done, the first one first, each in its own transaction with what the run
    remembers. Returns the days that are frozen.

    `progress` is called after each day.
    """
    frozen = []
    for day in run.days_to_do:
        if not aggregated(run, day, now=now):
            frozen.append(day)
        progress(day)
    return frozen


def aggregated(run: AggregationRun, day: date, *, now: datetime) -> bool:
    """Computes a day and remembers it, with the last one nothing more; returns False if the day is frozen."""
    with transaction.atomic():
        row, this = aggregate_day(day=day, now=now), AggregationRun.objects.filter(pk=run.pk)
        if day == run.last:
            this.delete()
        else:
            this.update(reached=day)
    run.reached = day
    return not row.is_frozen

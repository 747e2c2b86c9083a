"""History computed again, stopped, and gone on with."""

from datetime import date, timedelta

import pytest

from analytics.models import AggregationRun, DailyMetrics
from analytics.services import RangeError, begin_run, finish_run, freeze_days, stopped_run
from tests.analytics.days import DAY, NEXT_MORNING, at, visit

pytestmark = pytest.mark.django_db
DAYS = [DAY + timedelta(days=n) for n in (-2, -1, 0)]


class StoppedError(Exception):
    """In the middle of a run."""


def stop_at(day: date) -> None:
    """Stops after the second day."""
    if day == DAYS[1]:
        raise StoppedError


def stopped() -> AggregationRun:
    """A run over three days that was stopped when two were done."""
    run = begin_run(first=DAYS[0], last=DAYS[-1], now=NEXT_MORNING)
    with pytest.raises(StoppedError):
        finish_run(run, now=NEXT_MORNING, progress=stop_at)
    found = stopped_run()
    assert found
    return found


def test_a_run_computes_every_day_and_tells_each() -> None:
    told: list[date] = []
    run = begin_run(first=DAYS[0], last=DAYS[-1], now=NEXT_MORNING)
    assert (finish_run(run, now=NEXT_MORNING, progress=told.append), told) == ([], DAYS)
    assert (DailyMetrics.objects.count(), stopped_run()) == (3, None)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RangeError):
        begin_run(first=DAY, last=DAY - timedelta(days=1), now=NEXT_MORNING)


def test_a_run_that_was_stopped_goes_on_with_the_days_that_are_not_done() -> None:
    run, later = stopped(), NEXT_MORNING + timedelta(hours=1)
    visit(at(9))
    assert run.days_to_do == [DAY]
    finish_run(run, now=later)
    assert DailyMetrics.objects.get(computed_at=later).total_visits == 1
    assert stopped_run() is None


def test_a_new_run_takes_the_place_of_one_that_was_stopped() -> None:
    stopped()
    run = begin_run(first=DAY, last=DAY, now=NEXT_MORNING)
    assert (stopped_run(), run.days_to_do) == (run, [DAY])


def test_a_run_whose_place_was_taken_still_computes_its_days() -> None:
    run = stopped()
    begin_run(first=DAYS[0], last=DAYS[0], now=NEXT_MORNING)
    finish_run(run, now=NEXT_MORNING)
    assert DailyMetrics.objects.filter(date=DAY).exists()


def test_visits_of_frozen_days_are_left_alone_and_the_days_told() -> None:
    visit(at(9) - timedelta(days=2))
    freeze_days(before=DAYS[1], now=NEXT_MORNING)
    visit(at(10) - timedelta(days=2))
    run = begin_run(first=DAYS[0], last=DAYS[-1], now=NEXT_MORNING)
    assert finish_run(run, now=NEXT_MORNING) == [DAYS[0]]
    assert DailyMetrics.objects.get(date=DAYS[0]).total_visits == 1

"""Days whose raw rows are being removed."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from analytics.models import DailyMetrics, HourlyMetrics
from analytics.services import RangeError, aggregate_day, freeze_days, mark_dirty, refresh_touched
from analytics.services.breakdown import compute_breakdown
from sessions_app.models import VisitorSession
from tests.analytics.days import DAY, NEXT_MORNING, at, broken_down, computed, purchase, visit
from tests.promises.processes import until

NEXT_DAY = DAY + timedelta(days=1)
LATER = NEXT_MORNING + timedelta(days=3)


def frozen() -> DailyMetrics:
    """A day of one visit, frozen, whose visit is gone."""
    visit(at(9)), computed()
    freeze_days(before=NEXT_DAY, now=LATER)
    VisitorSession.objects.all().delete()
    return DailyMetrics.objects.get(date=DAY)


@pytest.mark.django_db
def test_a_frozen_day_is_not_computed_again_nor_its_hours_and_breakdown() -> None:
    row = frozen()
    assert row.is_frozen
    assert aggregate_day(day=DAY, now=LATER) == row
    assert DailyMetrics.objects.values().get(date=DAY)["computed_at"] == row.computed_at
    assert (HourlyMetrics.objects.get(hour=at(9)).total_visits, broken_down("channel")["direct"][0]) == (1, 1)


@pytest.mark.django_db
def test_a_frozen_day_cannot_be_marked() -> None:
    frozen()
    mark_dirty(days=[DAY, NEXT_DAY])
    assert dict(DailyMetrics.objects.values_list("date", "is_dirty")) == {DAY: False, NEXT_DAY: True}


@pytest.mark.django_db
def test_money_that_comes_late_leaves_a_frozen_day_alone() -> None:
    order = purchase(visit(at(23, 58)))
    computed()
    freeze_days(before=NEXT_DAY, now=NEXT_MORNING)
    order.status, order.paid_at = "success", NEXT_MORNING + timedelta(minutes=10)
    order.save()
    assert refresh_touched(now=NEXT_MORNING + timedelta(minutes=15)) == []


@pytest.mark.django_db
def test_visits_that_come_late_leave_a_frozen_day_alone() -> None:
    computed()
    freeze_days(before=NEXT_DAY, now=NEXT_MORNING)
    visit(at(9)), HourlyMetrics.objects.all().delete()
    assert refresh_touched(now=NEXT_MORNING) == []


@pytest.mark.django_db
def test_a_day_that_waits_for_a_run_is_computed_before_it_is_frozen() -> None:
    computed(), visit(at(9)), mark_dirty(days=[DAY])
    row = frozen_anew()
    assert (row.total_visits, row.is_dirty, row.is_final) == (1, False, True)


@pytest.mark.django_db
def test_a_day_last_computed_before_its_end_is_computed_before_it_is_frozen() -> None:
    computed(now=at(14)), visit(at(15))
    assert (frozen_anew().total_visits, frozen_anew().is_final) == (1, True)


@pytest.mark.django_db
def test_days_without_a_row_get_theirs_before_they_are_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many: a run takes up only so many at a time."""
    monkeypatch.setattr("analytics.services.late.MOST_MISSING", 1)
    visit(at(9)), visit(at(9) - timedelta(days=3))
    days = freeze_days(before=NEXT_DAY, now=LATER)
    assert days == [DAY - timedelta(days=n) for n in (3, 2, 1, 0)]
    assert DailyMetrics.objects.filter(is_frozen=True, total_visits=1).count() == 2


@pytest.mark.django_db
def test_an_empty_day_into_which_visits_were_imported_is_computed_before_it_is_frozen() -> None:
    computed(), visit(at(9))
    assert frozen_anew().total_visits == 1


@pytest.mark.django_db
def test_a_day_is_frozen_once_and_later_ones_are_left_alone() -> None:
    computed(), computed(NEXT_DAY, now=LATER)
    assert [freeze_days(before=NEXT_DAY, now=LATER) for _time in range(2)] == [[DAY], []]
    assert not DailyMetrics.objects.get(date=NEXT_DAY).is_frozen


@pytest.mark.django_db
def test_a_day_that_is_not_over_cannot_be_frozen() -> None:
    with pytest.raises(RangeError, match="not over"):
        freeze_days(before=NEXT_DAY, now=at(23, 59))


@pytest.mark.django_db
def test_a_day_is_frozen_with_the_removal_or_not_at_all() -> None:
    computed()
    with transaction.atomic():
        freeze_days(before=NEXT_DAY, now=LATER)
        transaction.set_rollback(True)
    assert not DailyMetrics.objects.get(date=DAY).is_frozen


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("takes_turns", "visits"), [(True, 1), (False, 0)])
def test_a_day_that_is_being_computed_keeps_its_numbers_though_its_visits_go(
    monkeypatch: pytest.MonkeyPatch, takes_turns: bool, visits: int
) -> None:
    """The control: without turns, it would be computed from visits that are gone."""
    visit(at(9)), computed(now=LATER)
    begun, may_go_on = threading.Event(), threading.Event()

    def held(*, day: date) -> None:
        begun.set()
        assert may_go_on.wait(30)
        compute_breakdown(day=day)

    monkeypatch.setattr("analytics.services.daily.compute_breakdown", held)
    if not takes_turns:
        monkeypatch.setattr("analytics.services.daily.take_turn", lambda: None)
        monkeypatch.setattr("analytics.services.freezing.take_turn", lambda: None)
    job, removal = thread(compute), thread(remove)
    job.start()
    assert begun.wait(30)
    removal.start()
    until(lambda: waits_for_its_turn() or not removal.is_alive(), "the removal waits or is done")
    may_go_on.set()
    job.join(30)
    removal.join(30)
    row = DailyMetrics.objects.get(date=DAY)
    assert (row.is_frozen, row.total_visits, VisitorSession.objects.count()) == (True, visits, 0)


def frozen_anew() -> DailyMetrics:
    """The day after it has been frozen."""
    freeze_days(before=NEXT_DAY, now=LATER)
    return DailyMetrics.objects.get(date=DAY)


def compute() -> None:
    aggregate_day(day=DAY, now=LATER)


def remove() -> None:
    """What retention does."""
    with transaction.atomic():
        freeze_days(before=NEXT_DAY, now=LATER)
        VisitorSession.objects.all().delete()


def thread(work: Callable[[], None]) -> threading.Thread:
    """One that leaves no connection behind."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return threading.Thread(target=run)


def waits_for_its_turn() -> bool:
    """Whether somebody does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool((cursor.fetchone() or [False])[0])

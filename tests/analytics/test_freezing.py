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
from tests.analytics.days import DAY, NEXT_MORNING, at, broken_down, changed, computed, event, purchase, visit
from tests.factories import OrderItemFactory, ProductFactory
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
def test_orders_that_come_late_are_counted_in_a_frozen_day_and_its_hours() -> None:
    """They stay, and what is imported afterwards counts."""
    frozen(), purchase(None, placed_at=at(9), paid=at(9, 30), subtotal=20)
    mark_dirty(days=[DAY])
    assert refresh_touched(now=LATER)[:1] == [DAY]
    row, hour = DailyMetrics.objects.get(date=DAY), HourlyMetrics.objects.get(hour=at(9))
    assert (row.total_orders, hour.total_orders) == (1, 1)
    assert row.total_sales == row.net_sales == row.average_order_value == hour.total_sales == 20
    assert (row.is_dirty, row.is_frozen, row.total_visits, hour.total_visits) == (False, True, 1, 1)


@pytest.mark.django_db
def test_money_that_comes_late_counts_in_a_frozen_day_and_leaves_its_visits_alone() -> None:
    order = purchase(visit(at(23, 58)))
    computed()
    freeze_days(before=NEXT_DAY, now=NEXT_MORNING)
    paid = NEXT_MORNING + timedelta(minutes=10)
    VisitorSession.objects.update(converted=True, converted_at=paid)
    changed(order, paid, status="success", paid_at=paid)
    assert refresh_touched(now=NEXT_MORNING + timedelta(minutes=15)) == []
    row = DailyMetrics.objects.get(date=DAY)
    assert (row.placed_and_paid, row.converted_sessions) == (1, 0)


@pytest.mark.django_db
def test_visits_that_come_late_leave_a_frozen_day_alone() -> None:
    row = frozen()
    visit(at(10)), HourlyMetrics.objects.all().delete()
    assert refresh_touched(now=NEXT_MORNING) == []
    assert DailyMetrics.objects.get(date=DAY) == row


@pytest.mark.django_db
def test_a_day_of_orders_alone_has_nothing_to_freeze() -> None:
    product = ProductFactory()
    purchase(None, paid=at(13), subtotal=20), computed()
    assert freeze_days(before=NEXT_DAY, now=LATER) == []
    OrderItemFactory(order=purchase(None, paid=at(14), subtotal=5), product=product), mark_dirty(days=[DAY])
    refresh_touched(now=LATER)
    assert DailyMetrics.objects.get(date=DAY).total_sales == 25
    assert broken_down("product")[str(product.id)][2] == 1


@pytest.mark.django_db
def test_a_day_with_events_of_a_visit_of_the_day_before_is_frozen() -> None:
    session = visit(at(23, 58) - timedelta(days=1))
    event(session, "page_view", timestamp=at(0, 1)), computed()
    assert DAY in freeze_days(before=NEXT_DAY, now=LATER)


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
    assert days == [DAY - timedelta(days=3), DAY]
    assert DailyMetrics.objects.filter(total_visits=1).count() == 2


@pytest.mark.django_db
def test_an_empty_day_into_which_visits_were_imported_is_computed_before_it_is_frozen() -> None:
    computed(), visit(at(9))
    assert frozen_anew().total_visits == 1


@pytest.mark.django_db
def test_a_day_is_frozen_once_and_later_ones_are_left_alone() -> None:
    visit(at(9)), computed(), computed(NEXT_DAY, now=LATER)
    assert [freeze_days(before=NEXT_DAY, now=LATER) for _time in range(2)] == [[DAY], []]
    assert not DailyMetrics.objects.get(date=NEXT_DAY).is_frozen


@pytest.mark.django_db
def test_a_day_that_is_not_over_cannot_be_frozen() -> None:
    with pytest.raises(RangeError, match="not over"):
        freeze_days(before=NEXT_DAY, now=at(23, 59))


@pytest.mark.django_db
def test_a_day_is_frozen_with_the_removal_or_not_at_all() -> None:
    visit(at(9)), computed()
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
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON database = pg_database.oid "
            "WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)"
        )
        return bool((cursor.fetchone() or [False])[0])

"""Which days are computed again, and when."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from pytest_django import Settings

from analytics import tasks
from analytics.models import DailyBreakdown, DailyMetrics, HourlyMetrics, ReturnsOfDay
from analytics.services import (
    aggregate_day,
    aggregate_today,
    aggregate_yesterday,
    mark_dirty,
    refresh_touched,
)
from analytics.services.breakdown import compute_breakdown
from analytics.services.late import NEVER
from analytics.statements import execute
from sessions_app.models import VisitorSession
from tests.analytics.days import DAY, NEXT_MORNING, at, changed, computed, purchase, visit

YESTERDAY = DAY - timedelta(days=1)


@pytest.mark.django_db
def test_today_is_refreshed_and_not_final() -> None:
    visit(at(9))
    row = aggregate_today(now=at(14, 5))
    assert (row.date, row.total_visits, row.is_final, row.computed_at) == (DAY, 1, False, at(14, 5))


@pytest.mark.django_db
def test_yesterday_is_made_final_and_the_day_before_once_more() -> None:
    aggregate_day(day=YESTERDAY, now=at(0, 10))
    visit(at(23, day=YESTERDAY))
    row = aggregate_yesterday(now=NEXT_MORNING)
    assert (row.date, row.is_final) == (DAY, True)
    assert DailyMetrics.objects.get(date=YESTERDAY).total_visits == 1


@pytest.mark.django_db
def test_a_day_marked_dirty_is_computed_by_the_next_run() -> None:
    computed(YESTERDAY, now=at(1))
    visit(at(12, day=YESTERDAY))
    mark_dirty(days=[YESTERDAY, YESTERDAY])
    assert refresh_touched(now=at(2)) == [YESTERDAY]
    row = DailyMetrics.objects.get(date=YESTERDAY)
    assert (row.total_visits, row.is_dirty) == (1, False)


@pytest.mark.django_db
def test_a_day_without_a_row_can_be_marked() -> None:
    mark_dirty(days=[YESTERDAY])
    row = DailyMetrics.objects.get(date=YESTERDAY)
    assert (row.is_dirty, row.computed_at) == (True, NEVER)


@pytest.mark.django_db
def test_a_mark_made_while_the_day_is_computed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    computed(YESTERDAY)

    def marked_meanwhile(*, day: date) -> None:
        compute_breakdown(day=day)
        mark_dirty(days=[day])

    monkeypatch.setattr("analytics.services.daily.compute_breakdown", marked_meanwhile)
    assert computed(YESTERDAY).is_dirty


FAILING = DAY - timedelta(days=2)


@pytest.fixture
def a_day_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day before yesterday cannot be computed, whatever is tried; yesterday waits to be."""

    def broken(*, day: date) -> bool:
        if day == FAILING:
            execute("INSERT INTO analytics_hourlymetrics DEFAULT VALUES")
        return compute_breakdown(day=day)

    monkeypatch.setattr("analytics.services.daily.compute_breakdown", broken)
    visit(at(12, day=FAILING)), visit(at(12, day=YESTERDAY)), visit(at(0, 1))


def visits_by_day() -> dict[date, int]:
    return dict(DailyMetrics.objects.filter(is_dirty=False).order_by("date").values_list("date", "total_visits"))


@pytest.mark.django_db
@pytest.mark.usefixtures("a_day_that_fails")
def test_a_day_that_fails_stops_no_later_one_and_is_told() -> None:
    with pytest.raises(DatabaseError):
        refresh_touched(now=at(9))
    assert visits_by_day() == {YESTERDAY: 1}


@pytest.mark.django_db
@pytest.mark.usefixtures("a_day_that_fails")
def test_a_day_that_fails_does_not_keep_today_from_its_row() -> None:
    with pytest.raises(DatabaseError):
        aggregate_today(now=at(9))
    assert visits_by_day() == {YESTERDAY: 1, DAY: 1}


@pytest.mark.django_db
@pytest.mark.usefixtures("a_day_that_fails")
def test_a_day_that_fails_does_not_keep_yesterday_from_being_final() -> None:
    with pytest.raises(DatabaseError):
        aggregate_yesterday(now=at(0, 10))
    assert DailyMetrics.objects.get(date=YESTERDAY).is_final


@pytest.mark.django_db
@pytest.mark.usefixtures("a_day_that_fails")
def test_a_day_that_fails_does_not_keep_who_came_again_from_being_counted() -> None:
    with time_machine.travel(at(9), tick=False), pytest.raises(DatabaseError):
        tasks.aggregate_today()
    assert ReturnsOfDay.objects.filter(date=DAY).exists()


@pytest.mark.django_db
def test_money_after_midnight_computes_the_day_of_the_visit_again() -> None:
    order = purchase(visit(at(23, 58, day=YESTERDAY)))
    computed(YESTERDAY, now=at(0, 10))
    session = VisitorSession.objects.get()
    session.converted, session.converted_at = True, at(0, 20)
    session.save()
    changed(order, at(0, 20), status="success", paid_at=at(0, 20))
    aggregate_today(now=at(0, 25))
    assert DailyMetrics.objects.get(date=YESTERDAY).converted_sessions == 1


@pytest.mark.django_db
def test_an_order_that_closes_after_midnight_computes_its_day_again() -> None:
    order = purchase(visit(at(23, 50, day=YESTERDAY)))
    computed(YESTERDAY, now=at(0, 1))
    changed(order, at(0, 5), status="expired", closed_at=at(0, 5))
    refresh_touched(now=at(0, 6))
    assert DailyMetrics.objects.get(date=YESTERDAY).expired_orders == 1


@pytest.mark.django_db
def test_money_that_was_accepted_days_later_computes_the_days_of_order_and_visit_again() -> None:
    placed = at(0, 10) - timedelta(days=9)
    order = purchase(visit(at(23, 55) - timedelta(days=10)), placed_at=placed, status="expired", closed_at=placed)
    for ago in range(10, 0, -1):
        computed(DAY - timedelta(days=ago), now=at(0, 20))
    changed(order, at(9), status="success", paid_at=at(9), closed_at=None)
    VisitorSession.objects.update(converted=True, converted_at=at(9))
    assert refresh_touched(now=at(9, 5)) == [DAY - timedelta(days=10), DAY - timedelta(days=9)]
    rows = {(DAY - row.date).days: row for row in DailyMetrics.objects.all()}
    assert (rows[10].converted_sessions, rows[9].placed_and_paid, rows[9].expired_orders) == (1, 1, 0)


@pytest.mark.django_db
def test_an_order_that_closed_while_nobody_sent_the_jobs_computes_its_day_again() -> None:
    order = purchase(visit(at(12) - timedelta(days=9)))
    for ago in (9, 8, 7):
        computed(DAY - timedelta(days=ago), now=at(0, 20) - timedelta(days=6))
    changed(order, at(12) - timedelta(days=5), status="expired", closed_at=at(12) - timedelta(days=5))
    assert refresh_touched(now=at(9))[0] == DAY - timedelta(days=9)
    assert DailyMetrics.objects.get(date=DAY - timedelta(days=9)).expired_orders == 1


@pytest.mark.django_db
def test_what_is_sent_days_later_is_no_longer_to_get_ready() -> None:
    paid = DAY - timedelta(days=3)
    order = purchase(visit(at(12, day=paid)), paid=at(12, 5, day=paid))
    for ago in (3, 2, 1):
        computed(DAY - timedelta(days=ago), now=at(0, 20))
    computed_at = DailyMetrics.objects.get(date=paid).computed_at
    changed(order, at(8), field="fulfillment_status", fulfillment_status="shipped")
    refresh_touched(now=at(9))
    row, hour = DailyMetrics.objects.get(date=paid), HourlyMetrics.objects.get(hour=at(12, day=paid))
    assert (row.pending_fulfillment, row.shipped_fulfillment, hour.shipped_fulfillment) == (0, 1, 1)
    assert (row.total_visits, row.average_order_value, row.computed_at) == (1, order.total, computed_at)


@pytest.mark.django_db
def test_days_that_nothing_touched_are_left_alone() -> None:
    purchase(visit(at(12, day=YESTERDAY)), paid=at(12, 5, day=YESTERDAY))
    computed(YESTERDAY, now=at(0, 10))
    assert refresh_touched(now=at(0, 15)) == []


@pytest.mark.django_db
def test_every_day_since_the_first_visit_gets_a_row() -> None:
    visit(at(12) - timedelta(days=3))
    days = [DAY - timedelta(days=n) for n in (3, 2, 1)]
    assert refresh_touched(now=at(9)) == days


@pytest.mark.django_db
def test_visits_imported_into_an_empty_day_are_found() -> None:
    computed(YESTERDAY, now=at(0, 10))
    visit(at(12, day=YESTERDAY))
    assert refresh_touched(now=at(9)) == [YESTERDAY]


@pytest.mark.django_db
def test_bots_do_not_make_an_empty_day_look_forgotten() -> None:
    computed(YESTERDAY, now=at(0, 10))
    visit(at(12, day=YESTERDAY), is_bot=True)
    assert refresh_touched(now=at(9)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("local_hour_before", [False, True])
def test_visits_imported_into_a_day_whose_midnight_came_twice_are_found(
    settings: Settings, local_hour_before: bool
) -> None:
    """And belong to no other day."""
    settings.SHOP_TIME_ZONE = "America/Havana"
    day, now = date(2021, 11, 7), datetime(2021, 11, 9, 12, tzinfo=UTC)
    for ago in (0, 1):
        computed(day - timedelta(days=ago), now=now - timedelta(hours=1)), computed(day + timedelta(days=1), now=now)
    visit(datetime(2021, 11, 7, 4, 30, tzinfo=UTC) - timedelta(hours=local_hour_before))
    assert refresh_touched(now=now) == [day - timedelta(days=local_hour_before)]


@pytest.mark.django_db
def test_visits_imported_into_a_day_that_begins_at_one_are_found(settings: Settings) -> None:
    settings.SHOP_TIME_ZONE = "America/Sao_Paulo"
    day, now = date(2018, 11, 4), datetime(2018, 11, 5, 12, tzinfo=UTC)
    computed(day - timedelta(days=1), now=now), computed(day, now=now)
    visit(datetime(2018, 11, 4, 3, tzinfo=UTC))
    assert refresh_touched(now=now) == [day]


@pytest.mark.django_db
def test_history_over_a_day_that_was_left_out_is_computed_once(settings: Settings) -> None:
    settings.SHOP_TIME_ZONE = "Pacific/Apia"
    now = datetime(2012, 1, 1, 12, tzinfo=UTC)
    visit(datetime(2011, 12, 30, 9, 30, tzinfo=UTC)), visit(datetime(2011, 12, 30, 10, 30, tzinfo=UTC))
    days = refresh_touched(now=now)
    assert days == [date(2011, 12, 29) + timedelta(days=n) for n in range(4)]
    assert list(DailyMetrics.objects.order_by("date").values_list("total_visits", flat=True)) == [1, 0, 1, 0]
    assert refresh_touched(now=now) == []


@pytest.mark.django_db
def test_days_computed_before_there_were_hours_get_theirs() -> None:
    visit(at(12, day=YESTERDAY)), computed(YESTERDAY, now=at(0, 10))
    HourlyMetrics.objects.all().delete()
    assert refresh_touched(now=at(9)) == [YESTERDAY]
    assert (HourlyMetrics.objects.count(), refresh_touched(now=at(9))) == (24, [])


@pytest.mark.django_db
def test_a_long_history_gets_its_rows_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.services.late.MOST_MISSING", 2)
    visit(at(12) - timedelta(days=3))
    assert [len(refresh_touched(now=at(9))) for _run in range(3)] == [2, 1, 0]
    assert DailyMetrics.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_the_same_time_make_one_row_and_fail_neither() -> None:
    visit(channel="paid"), visit(channel="direct")
    failures: list[Exception] = []

    def job() -> None:
        try:
            aggregate_day(day=DAY, now=NEXT_MORNING)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert DailyMetrics.objects.get().total_visits == 2
    assert DailyBreakdown.objects.filter(dimension="channel").count() == 2

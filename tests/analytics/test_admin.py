"""The history can be read and not changed; goals can be set."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analytics.models import DailyBreakdown, RealtimeMetrics, SalesGoal
from tests.analytics.days import DAY, at, computed, visit
from tests.analytics.staff import logged_in
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
HISTORY = ["dailymetrics", "hourlymetrics", "dailybreakdown", "realtimemetrics", "realtimehour"]


@pytest.fixture
def boss() -> Client:
    return logged_in(UserFactory(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("model", [*HISTORY, "salesgoal"])
def test_lists_open_with_rows_and_filters(boss: Client, model: str) -> None:
    visit(at(9)), computed()
    RealtimeMetrics.objects.create(minute=at(9))
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=5)
    query = {"dailybreakdown": "?dimension__exact=channel", "dailymetrics": "?date_from=2026-03-01"}.get(model, "")
    assert boss.get(f"/admin/analytics/{model}/{query}").status_code == 200


@pytest.mark.parametrize("model", HISTORY)
def test_history_cannot_be_added_to(boss: Client, model: str) -> None:
    assert boss.get(f"/admin/analytics/{model}/add/").status_code == 403


def test_a_day_can_be_opened_and_not_changed(boss: Client) -> None:
    computed()
    address = f"/admin/analytics/dailymetrics/{DAY}/change/"
    assert boss.get(address).status_code == 200
    assert boss.post(address, {"total_visits": 9}).status_code == 403


def test_a_goal_can_be_set(boss: Client) -> None:
    goal = {"period": "month", "starts_on": "2026-03-01", "amount": "9000"}
    assert boss.post("/admin/analytics/salesgoal/add/", goal).status_code == 302
    assert SalesGoal.objects.get().amount == 9000


@pytest.mark.parametrize(
    ("goal", "text"),
    [
        ({"period": "month", "starts_on": "2026-03-02", "amount": "9"}, "The goal of a month begins on its first day."),
        ({"period": "day", "starts_on": "2026-03-10", "amount": "9"}, "There is a goal for this day or month already"),
        ({"period": "day", "starts_on": "2026-03-11", "amount": "0"}, "A goal is more than 0."),
        ({"period": "day", "starts_on": "2026-03-11", "amount": "-5"}, "A goal is more than 0."),
        ({"period": "day", "starts_on": "2026-02-30", "amount": "9"}, "Enter a valid date."),
        ({"period": "week", "starts_on": "2026-03-11", "amount": "9"}, "Select a valid choice."),
    ],
)
def test_a_goal_that_is_none_is_refused_with_a_sentence(boss: Client, goal: dict[str, str], text: str) -> None:
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=5)
    response = boss.post("/admin/analytics/salesgoal/add/", goal)
    assert (response.status_code, SalesGoal.objects.count()) == (200, 1)
    assert text in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"period": "month", "starts_on": DAY, "amount": 5}, "goal_of_a_month_begins_with_it"),
        ({"period": "day", "starts_on": DAY, "amount": 0}, "goal_of_something"),
    ],
)
def test_postgresql_keeps_no_goal_that_is_none(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name):
        SalesGoal.objects.create(**fields)


def test_the_list_costs_as_many_queries_with_many_rows_as_with_few(
    boss: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [DailyBreakdown(date=DAY, dimension="city", value=str(n)) for n in range(60)]
    DailyBreakdown.objects.bulk_create(rows)
    with django_assert_max_num_queries(4):
        boss.get("/admin/analytics/dailybreakdown/")

"""What staff want to sell, by day and by month."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.goals import Goal, goals, goals_by_day
from analytics.models import DailyMetrics, SalesGoal
from analytics.panels import goal
from tests.analytics.days import DAY, NEXT_MORNING

pytestmark = pytest.mark.django_db


def test_a_months_goal_is_spread_over_its_days_and_a_days_own_goal_goes_before() -> None:
    SalesGoal.objects.create(period="month", starts_on=DAY.replace(day=1), amount=3100)
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=500)
    assert goals_by_day([DAY, DAY + timedelta(days=1)]) == {DAY: 500, DAY + timedelta(days=1): 100}
    assert goals_by_day([DAY - timedelta(days=20)]) == {}


def test_a_month_is_the_sum_of_its_days_and_whole_though_asked_for_in_part() -> None:
    """March: 30 days of 100, one of 500. Sold 50 on two days."""
    SalesGoal.objects.create(period="month", starts_on=DAY.replace(day=1), amount=3100)
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=500)
    for day in (DAY, DAY - timedelta(days=5)):
        DailyMetrics.objects.create(date=day, computed_at=NEXT_MORNING, total_sales=50)
    days, months = goals([DAY, DAY + timedelta(days=1)])
    assert [(int(day.goal), int(day.sales), int(day.progress)) for day in days] == [(500, 50, 10), (100, 0, 0)]
    assert [(month.starts_on, int(month.goal), int(month.sales)) for month in months] == [
        (DAY.replace(day=1), 3500, 100)
    ]


def test_what_was_sold_on_days_without_a_goal_is_no_progress() -> None:
    """Whoever sets their first goal today, and looks at a month, has not sold twenty times as much as they wanted."""
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=500)
    days = [DAY - timedelta(days=n) for n in (2, 1, 0)]
    stored = {
        day: DailyMetrics.objects.create(date=day, computed_at=NEXT_MORNING, total_sales=sales)
        for day, sales in zip(days, (1000, 1000, 50), strict=True)
    }
    _days, (month,) = goals(days)
    assert (int(month.sales), int(month.progress)) == (2050, 10)
    assert goal(days, stored) == {"amount": "£500.00", "percent": 10, "bar": 10, "days": 1, "is_whole": False}


def test_each_month_that_the_days_touch_is_there_once() -> None:
    days = [date(2026, 1, 31) + timedelta(days=n) for n in range(30)]
    assert [month.starts_on for month in goals(days)[1]] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]


def test_without_a_goal_there_is_no_progress() -> None:
    assert Goal(SalesGoal.Period.DAY, DAY, Decimal(0), Decimal(5), Decimal(0)).progress == 0

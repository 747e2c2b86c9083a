"""Migrations that change what is there."""

from datetime import date
from functools import partial

import pytest
from django.db import connection

from analytics.models import SalesGoal
from tests import migrating

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("up_to_date_again")]
migrate = partial(migrating.migrate, "analytics")
GOAL = "INSERT INTO analytics_salesgoal (period, starts_on, amount) VALUES (%s, %s, %s)"


def test_a_months_goal_on_another_day_becomes_that_of_the_month_if_it_has_none() -> None:
    migrate("0006_realtime_hours")
    with connection.cursor() as cursor:
        goals = [
            ("month", "2026-01-01", 1), ("month", "2026-01-15", 2), ("month", "2026-02-03", 3),
            ("month", "2026-02-04", 4), ("day", "2026-02-05", 5),
        ]  # fmt: skip
        cursor.executemany(GOAL, goals)
    migrate("0007_goals_of_months")
    found = {(goal.period, goal.starts_on): int(goal.amount) for goal in SalesGoal.objects.all()}
    assert found == {
        ("month", date(2026, 1, 1)): 1,
        ("month", date(2026, 2, 1)): 4,
        ("day", date(2026, 2, 5)): 5,
    }

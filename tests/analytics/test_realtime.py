"""Who is here now."""

from datetime import timedelta

import pytest

from analytics.models import RealtimeMetrics
from analytics.services import update_realtime
from core import redis
from sessions_app.state import ACTIVE
from tests.analytics.days import at, visit

pytestmark = pytest.mark.django_db


def seen(**minutes_ago: float) -> None:
    """Sessions seen so long before 12:00:20."""
    now = at(12) + timedelta(seconds=20)
    scores = {name: (now - timedelta(minutes=ago)).timestamp() for name, ago in minutes_ago.items()}
    redis.client().zadd(ACTIVE, scores)


def test_sessions_are_counted_once_over_30_minutes_and_over_one() -> None:
    seen(a=0, b=0.9, c=5, d=29.9, e=30.1)
    seen(a=0.5)
    row = update_realtime(now=at(12) + timedelta(seconds=20))
    assert (row.minute, row.active_users, row.users_per_minute) == (at(12), 4, 2)


def test_the_second_run_of_a_minute_writes_its_row_again() -> None:
    update_realtime(now=at(12))
    seen(a=0)
    update_realtime(now=at(12) + timedelta(seconds=30))
    assert RealtimeMetrics.objects.get().active_users == 1


def test_rows_older_than_seven_days_go() -> None:
    update_realtime(now=at(12) - timedelta(days=7, minutes=1))
    update_realtime(now=at(12) - timedelta(days=7) + timedelta(minutes=1))
    update_realtime(now=at(12))
    assert RealtimeMetrics.objects.count() == 2


def test_postgresql_answers_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis.breaker, "closed_after", float("inf"))
    visit(at(11, 50)), visit(at(9))
    assert update_realtime(now=at(12)).active_users == 1

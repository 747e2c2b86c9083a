"""Who is here now."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from analytics.models import RealtimeHour, RealtimeMetrics
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


def hours() -> dict[datetime, tuple[int, int]]:
    """What is kept of each hour."""
    return {row.hour: (row.max_active_users, row.max_users_per_minute) for row in RealtimeHour.objects.all()}


def test_the_most_of_an_hour_is_kept() -> None:
    for minute, names in ((1, "ab"), (2, "abc"), (59, "d")):
        redis.client().delete(ACTIVE)
        redis.client().zadd(ACTIVE, {name: at(12, minute).timestamp() for name in names})
        update_realtime(now=at(12, minute))
    update_realtime(now=at(13))
    assert hours() == {at(12): (3, 3), at(13): (1, 1)}


def test_a_minute_that_is_measured_twice_makes_no_hour_less() -> None:
    seen(a=0, b=0)
    update_realtime(now=at(12))
    redis.client().delete(ACTIVE)
    update_realtime(now=at(12) + timedelta(seconds=30))
    assert (RealtimeMetrics.objects.get().active_users, hours()) == (0, {at(12): (2, 2)})


def test_hours_without_a_beat_have_no_row() -> None:
    update_realtime(now=at(9, 59)), update_realtime(now=at(12))
    assert set(hours()) == {at(9), at(12)}


def test_minutes_that_were_there_before_hours_were_kept_make_theirs() -> None:
    RealtimeMetrics.objects.create(minute=at(9, 5) - timedelta(days=2), active_users=7, users_per_minute=3)
    update_realtime(now=at(12))
    assert hours() == {at(9) - timedelta(days=2): (7, 3), at(12): (0, 0)}


def test_hours_stay_when_their_minutes_go() -> None:
    seen(a=0)
    update_realtime(now=at(12)), update_realtime(now=at(12) + timedelta(days=30))
    assert (RealtimeMetrics.objects.count(), hours()[at(12)]) == (1, (1, 1))


def test_an_hour_begins_by_the_shops_clock(settings: Settings) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Kolkata"
    update_realtime(now=at(12)), update_realtime(now=at(12, 40))
    assert set(hours()) == {at(11, 30), at(12, 30)}


def test_a_minute_and_its_hour_are_written_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*, now: datetime) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("analytics.services.realtime.keep_maxima", fails)
    with pytest.raises(ZeroDivisionError):
        update_realtime(now=at(12))
    assert not RealtimeMetrics.objects.exists()


def test_postgresql_answers_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis.breaker, "closed_after", float("inf"))
    visit(at(11, 50)), visit(at(9))
    assert update_realtime(now=at(12)).active_users == 1

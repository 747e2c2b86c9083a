"""Windows that are compared."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from analytics.periods import PERIODS, previous, window
from tests.analytics.days import DAY, at


@pytest.mark.parametrize("days", PERIODS)
def test_compared_windows_are_equally_long_and_begin_on_the_same_weekday(days: int) -> None:
    current = window(days, at(14, 5))
    before = previous(current)
    assert len(before.days) == len(current.days) == days
    assert before.first.weekday() == current.first.weekday()
    assert before.until == current.until - (current.first - before.first)


@pytest.mark.parametrize("days", PERIODS)
def test_compared_windows_do_not_overlap(days: int) -> None:
    current = window(days, at(14, 5))
    assert previous(current).last < current.first


def test_both_end_at_the_same_hour_by_the_shops_clock(settings: Settings) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    current = window(7, datetime(2026, 3, 31, 11, 0, tzinfo=UTC))
    assert str(current).endswith("31 Mar 12:00")
    assert str(previous(current)).endswith("24 Mar 12:00")
    assert previous(current).until == datetime(2026, 3, 24, 12, 0, tzinfo=UTC)


def test_a_window_is_written_with_its_days_and_its_end() -> None:
    assert str(window(1, at(14, 5))) == "Tue 10 Mar until 14:05"
    assert str(window(7, at(14, 5))) == "Wed 4 Mar – Tue 10 Mar 14:05"


def test_a_window_ends_on_the_day_of_its_last_instant() -> None:
    assert window(1, at(0) + timedelta(microseconds=1)).days == [DAY]
    assert window(2, at(23, 59)).days == [date(2026, 3, 9), DAY]

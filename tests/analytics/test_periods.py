"""Windows that are compared."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from analytics.periods import last_instant, previous, window
from tests.analytics.days import DAY, at


@pytest.mark.parametrize("days", [1, 7, 28, 90])
def test_compared_windows_are_equally_long_and_begin_on_the_same_weekday(days: int) -> None:
    current = window(days, at(14, 5))
    before = previous(current)
    assert len(before.days) == len(current.days) == days
    assert before.first.weekday() == current.first.weekday()
    assert before.until == current.until - (current.first - before.first)


@pytest.mark.parametrize("days", [1, 7, 28, 90])
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


@pytest.mark.parametrize(
    ("zone", "until", "before"),
    [
        # the week before it was 01:30 at no time: until the jump
        ("Europe/London", datetime(2026, 4, 5, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # the week before it was 01:30 twice: until the first
        ("Europe/London", datetime(2026, 11, 1, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # now it is 01:30 for the second time
        ("Europe/London", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 18, 0, 30, tzinfo=UTC)),
        # the week before the day began at 01:00
        ("America/Sao_Paulo", datetime(2018, 11, 11, 2, 30, tzinfo=UTC), datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ],
)
def test_of_an_hour_that_did_not_come_or_came_twice_there_is_an_end(
    settings: Settings, zone: str, until: datetime, before: datetime
) -> None:
    settings.SHOP_TIME_ZONE = zone
    assert previous(window(1, until)).until == before


@pytest.mark.parametrize("whole", [True, False])
def test_a_day_that_was_left_out_is_compared_as_an_empty_one(settings: Settings, whole: bool) -> None:
    settings.SHOP_TIME_ZONE = "Pacific/Apia"
    end = last_instant(date(2012, 1, 6))
    before = previous(window(1, end if whole else end - timedelta(hours=9)))
    assert before.days == [date(2011, 12, 30)]
    assert before.until <= before.start


def test_a_whole_window_is_compared_with_a_whole_one(settings: Settings) -> None:
    settings.SHOP_TIME_ZONE = "America/Sao_Paulo"
    assert previous(window(1, last_instant(date(2018, 2, 24)))).is_whole

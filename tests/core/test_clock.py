"""Days are the shop's, instants are UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings

from core.clock import day_bounds, hours_of_day, now, shop_day, shop_instant, shown


def test_now_is_aware_and_in_utc() -> None:
    assert now().utcoffset() == timedelta(0)


def test_an_instant_belongs_to_the_shops_calendar_day(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
    assert shop_day(datetime(2026, 3, 10, 16, 59, tzinfo=UTC)) == date(2026, 3, 10)
    assert shop_day(datetime(2026, 3, 10, 17, 0, tzinfo=UTC)) == date(2026, 3, 11)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2026, 10, 25), 25)])
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    start, end = day_bounds(day)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC), 23),  # begins at 01:00
        ("America/Sao_Paulo", date(2018, 2, 17), datetime(2018, 2, 17, 2, tzinfo=UTC), 25),  # 23:00 comes twice
        ("Asia/Beirut", date(2021, 3, 28), datetime(2021, 3, 27, 22, tzinfo=UTC), 23),
        ("America/Havana", date(2021, 11, 7), datetime(2021, 11, 7, 4, tzinfo=UTC), 25),  # midnight comes twice
        ("America/Toronto", date(1919, 3, 31), datetime(1919, 3, 31, 4, 30, tzinfo=UTC), 23.5),  # begins at 00:30
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC), 0),  # was left out
        ("Pacific/Apia", date(2011, 12, 31), datetime(2011, 12, 30, 10, tzinfo=UTC), 24),
    ],
)
def test_a_day_begins_with_its_first_instant_where_the_clock_jumps_at_midnight(
    settings: LazySettings, zone: str, day: date, start: datetime, hours: float
) -> None:
    settings.SHOP_TIME_ZONE = zone
    assert day_bounds(day) == (start, start + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("zone", "day", "clock"),
    [
        ("Europe/London", date(2026, 3, 29), ["00:00", "02:00", "03:00"]),
        ("Europe/London", date(2026, 10, 25), ["00:00", "01:00", "01:00", "02:00"]),
        ("America/Sao_Paulo", date(2018, 11, 4), ["01:00", "02:00"]),
        ("Asia/Kolkata", date(2026, 3, 29), ["00:00", "01:00"]),
        ("Australia/Lord_Howe", date(2021, 4, 4), ["00:00", "01:00", "01:30", "02:00"]),
        ("Australia/Lord_Howe", date(2021, 10, 3), ["00:00", "01:00", "02:30", "03:00"]),
    ],
)
def test_hours_begin_by_the_shops_clock(settings: LazySettings, zone: str, day: date, clock: list[str]) -> None:
    settings.SHOP_TIME_ZONE = zone
    assert [f"{shown(hour):%H:%M}" for hour in hours_of_day(day)][: len(clock)] == clock


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 3, 30), 24), (date(2026, 10, 25), 25)])
def test_a_day_has_as_many_hours_as_it_is_long(settings: LazySettings, day: date, hours: int) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    assert len(hours_of_day(day)) == hours


def test_a_day_that_was_left_out_has_no_hours(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Pacific/Apia"
    assert hours_of_day(date(2011, 12, 30)) == []


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-03-29T00:30", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("2026-03-29T01:30:00.000005", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),  # jumped over
        ("2026-10-25T01:30:00.000005", datetime(2026, 10, 25, 0, 30, 0, 5, tzinfo=UTC)),  # comes twice
    ],
)
def test_a_time_of_the_shops_clock_is_an_instant(settings: LazySettings, local: str, instant: datetime) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    assert shop_instant(datetime.fromisoformat(local)) == instant

"""Days are the shop's, instants are UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings

from core.clock import day_bounds, now, shop_day


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

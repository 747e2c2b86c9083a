"""The rows of a day's hours."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum
from pytest_django import DjangoAssertNumQueries, Settings

from analytics.metrics import HOURLY
from analytics.models import HourlyMetrics
from tests.analytics.days import at, computed, event, purchase, visit

pytestmark = pytest.mark.django_db


def visits() -> dict[datetime, int]:
    """Visits by hour, where there were any."""
    return dict(HourlyMetrics.objects.filter(total_visits__gt=0).order_by("hour").values_list("hour", "total_visits"))


def test_every_hour_of_a_day_has_a_row_also_an_empty_one() -> None:
    computed()
    assert set(HourlyMetrics.objects.values_list("hour", flat=True)) == {at(hour) for hour in range(24)}


def test_an_hour_goes_from_its_first_instant_to_the_next_ones() -> None:
    visit(at(9)), visit(at(9, 59) + timedelta(seconds=59)), visit(at(10))
    computed()
    assert visits() == {at(9): 2, at(10): 1}


def test_each_number_counts_in_the_hour_in_which_it_happened() -> None:
    purchase(visit(at(9, 50)), paid=at(10, 5), subtotal=30)
    event(visit(at(8, 55)), "add_to_cart", timestamp=at(9, 5))
    computed()
    nine, ten = (HourlyMetrics.objects.get(hour=at(hour)) for hour in (9, 10))
    assert (nine.converted_sessions, nine.placed_orders, nine.cart_additions, int(nine.total_sales)) == (1, 1, 1, 0)
    assert (ten.converted_sessions, ten.total_orders, int(ten.total_sales)) == (0, 1, 30)


def test_a_visitor_is_new_in_the_hour_of_the_first_visit() -> None:
    visitor = uuid.uuid4()
    visit(at(11), visitor_id=visitor), visit(at(9), visitor_id=visitor)
    computed()
    assert dict(HourlyMetrics.objects.filter(new_users__gt=0).values_list("hour", "new_users")) == {at(9): 1}


def test_the_hours_make_the_day() -> None:
    for number in range(12):
        begun = at(2 * number, 5 * number)
        event(visit(begun, seconds=number, script_page_views=number), "checkout_started")
        purchase(visit(begun), paid=begun + timedelta(minutes=30), subtotal=number)
    row = computed()
    sums = HourlyMetrics.objects.aggregate(**{name: Sum(name) for name in HOURLY})
    assert sums == {name: getattr(row, name) for name in HOURLY}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Asia/Beirut", date(2021, 10, 30), 25),
        ("Asia/Kolkata", date(2026, 3, 10), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_days_have_the_hours_of_the_shops_clock(settings: Settings, zone: str, day: date, hours: int) -> None:
    settings.SHOP_TIME_ZONE = zone
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    for minutes in range(0, 60 * 60, 30):
        visit(start + timedelta(minutes=minutes))
    row = computed(day, now=start + timedelta(days=4))
    assert (row.total_visits, HourlyMetrics.objects.count()) == (2 * hours, hours)
    assert set(visits().values()) <= {2}


def test_an_hour_that_did_not_change_is_not_written_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    visit(at(9)), computed(now=at(14))
    before = versions()
    visit(at(12)), computed(now=at(14, 5))
    after = versions()
    assert {hour for hour in after if after[hour] != before[hour]} == {at(12)}


def versions() -> dict[datetime, str]:
    """PostgreSQL's version of each row."""
    rows = HourlyMetrics.objects.extra(select={"version": "xmin::text"})
    return dict(rows.values_list("hour", "version"))


def test_hours_of_another_time_zone_go(settings: Settings) -> None:
    computed()
    settings.SHOP_TIME_ZONE = "Asia/Kolkata"
    computed()
    minutes = {hour.minute for hour in HourlyMetrics.objects.values_list("hour", flat=True) if hour < at(18)}
    assert minutes == {30}

"""The stats API over ranges: days and their totals, the funnel, where visits came from, and CSV of each."""

import csv
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from analytics.models import DailyMetrics, RealtimeMetrics, SalesGoal
from sessions_app.models import VisitorSession
from tests.analytics.days import DAY, at, computed, event, purchase, visit
from tests.analytics.staff import logged_in, member
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
YESTERDAY, TWO_DAYS = DAY - timedelta(days=1), f"from={DAY - timedelta(days=1)}&to={DAY}"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(at(14, 5), tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    return logged_in(member("analytics.view_dailymetrics"))


def asked(client: Client, address: str) -> Any:
    """The data of an answer that is good."""
    response = client.get(f"/api/v1/analytics/{address}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def table(client: Client, address: str) -> list[dict[str, str]]:
    """An answer as CSV."""
    response = client.get(f"/api/v1/analytics/{address}&format=csv")
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.fixture
def two_days() -> VisitorSession:
    """Yesterday one visitor of 30 s who paid 40; today the same again for 90 s, and another who bounced."""
    visitor = uuid.uuid4()
    purchase(visit(at(9) - timedelta(days=1), 30, visitor_id=visitor), paid=at(9) - timedelta(days=1), subtotal=40)
    again = visit(at(9), 90, visitor_id=visitor, cart_additions=1)
    visit(at(10))
    computed(YESTERDAY, now=at(13)), computed(now=at(14))
    return again


def test_there_is_a_row_a_day_also_of_one_without_anything(staff: Client, two_days: VisitorSession) -> None:
    data = asked(staff, f"daily?from={DAY - timedelta(days=2)}&to={DAY}")
    assert [(day["date"], day["totalVisits"], day["totalSales"], day["isFinal"]) for day in data["days"]] == [
        ("2026-03-08", 0, "0.00", False),
        ("2026-03-09", 1, "40.00", True),
        ("2026-03-10", 2, "0.00", False),
    ]


def test_totals_are_of_sums_and_visitors_are_counted_over_the_range(staff: Client, two_days: VisitorSession) -> None:
    totals = asked(staff, f"daily?{TWO_DAYS}")["totals"]
    assert (totals["totalVisits"], totals["uniqueVisits"], totals["newUsers"], totals["existingUsers"]) == (3, 2, 2, 0)
    assert (totals["avgSessionDuration"], totals["bounceRate"], totals["conversionRate"]) == (40.0, "33.33", "33.33")
    assert (totals["totalSales"], totals["averageOrderValue"]) == ("40.00", "40.00")


def test_a_day_that_is_not_over_is_compared_with_the_same_hours(staff: Client) -> None:
    week = timedelta(days=7)
    visit(at(9) - week, cart_additions=1), visit(at(15) - week), visit(at(9))
    event(visit(at(10) - week), "add_to_cart")
    computed(DAY - week), computed(now=at(14))
    data = asked(staff, f"daily?from={DAY}&to={DAY}&compare=previous")
    before = data["comparison"]
    assert (data["totals"]["totalVisits"], before["from"], before["totals"]["totalVisits"]) == (1, "2026-03-03", 2)
    assert (before["totals"]["cartAdditions"], before["days"][0]["totalVisits"]) == (1, 2)


def test_nothing_is_compared_unless_asked_for(staff: Client) -> None:
    assert asked(staff, f"daily?{TWO_DAYS}")["comparison"] is None


def test_days_computed_again_are_answered_at_once(staff: Client, two_days: VisitorSession) -> None:
    assert asked(staff, f"daily?{TWO_DAYS}")["totals"]["totalVisits"] == 3
    visit(at(11)), computed(now=at(14, 4))
    assert asked(staff, f"daily?{TWO_DAYS}")["totals"]["totalVisits"] == 4


def test_with_redis_away_it_is_counted_each_time(
    staff: Client, two_days: VisitorSession, settings: LazySettings
) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere.sock"}}
    assert asked(staff, f"daily?{TWO_DAYS}")["totals"]["totalVisits"] == 3


def test_a_refresh_computes_the_day_first(staff: Client) -> None:
    visit(at(9))
    assert asked(staff, "metrics")["totalVisits"] == 0
    assert asked(staff, "metrics?refresh=1")["totalVisits"] == 1


def test_the_funnel_never_grows(staff: Client, two_days: VisitorSession) -> None:
    steps = asked(staff, f"funnel?{TWO_DAYS}")
    found = [(step["step"], step["sessions"], step["ofPrevious"], step["ofAll"]) for step in steps]
    assert found == [
        ("visit", 3, "100.00", "100.00"),
        ("product", 2, "66.67", "66.67"),
        ("cart", 2, "100.00", "66.67"),
        ("checkout", 1, "50.00", "33.33"),
        ("order", 1, "100.00", "33.33"),
        ("paid", 1, "100.00", "33.33"),
    ]


def test_visitors_of_a_value_are_counted_over_the_range_not_added_up(staff: Client) -> None:
    visitor = uuid.uuid4()
    for ago in (0, 1):
        begun = at(9) - timedelta(days=ago)
        visit(begun, visitor_id=visitor, channel="social"), visit(begun, channel="email")
        computed(DAY - timedelta(days=ago))
    found = asked(staff, f"breakdown?dimension=channel&{TWO_DAYS}")
    assert {line["value"]: (line["visits"], line["visitors"]) for line in found} == {"social": (2, 1), "email": (2, 2)}


def test_viewers_of_products_are_counted_over_the_range_and_products_have_names(staff: Client) -> None:
    product, visitor = ProductFactory(name="Oak stool"), uuid.uuid4()
    for ago in (0, 1):
        seen = visit(at(9) - timedelta(days=ago), visitor_id=visitor, script_product_views=1, script_page_views=1)
        event(seen, "product_view", product_id=product.id, source="script", timestamp=seen.started_at)
        computed(DAY - timedelta(days=ago))
    (line,) = asked(staff, f"breakdown?dimension=product&{TWO_DAYS}")
    assert (line["value"], line["name"], line["visits"], line["visitors"]) == (str(product.id), "Oak stool", 2, 1)


def test_the_largest_values_come_first_and_no_more_than_asked_for(staff: Client) -> None:
    for number in range(3):
        for _visit in range(number + 1):
            visit(at(9), country="ABC"[number] * 2)
    computed(now=at(14))
    found = asked(staff, f"breakdown?dimension=country&limit=2&from={DAY}&to={DAY}")
    assert [line["value"] for line in found] == ["CC", "BB"]


def test_both_touches_add_up_to_the_sales_of_the_shop(staff: Client) -> None:
    """With orders of no visit on a line of their own."""
    ads, mail = {"channel": "paid"}, {"channel": "email"}
    purchase(visit(at(9), channel="email"), paid=at(10), subtotal=Decimal("20.01"), first_touch=ads, last_touch=mail)
    purchase(visit(at(9), channel="email"), paid=at(11), subtotal=Decimal("9.99"), first_touch=mail, last_touch=mail)
    purchase(None, paid=at(12), subtotal=Decimal("5.00"))
    computed(now=at(14))
    revenue = {}
    for model in ("first", "last"):
        found = asked(staff, f"breakdown?dimension=channel&model={model}&from={DAY}&to={DAY}")
        revenue[model] = {line["value"]: line["revenue"] for line in found}
    assert revenue["first"] == {"paid": "20.01", "email": "9.99", "(no session)": "5.00"}
    assert revenue["last"] == {"email": "30.00", "(no session)": "5.00"}
    assert asked(staff, f"metrics?date={DAY}")["totalSales"] == "35.00"


def test_by_the_visit_orders_of_no_visit_are_a_line_of_their_own(staff: Client) -> None:
    purchase(visit(at(9), channel="email"), paid=at(10), subtotal=Decimal("20.00"))
    purchase(None, paid=at(12), subtotal=Decimal("5.00"))
    computed(now=at(14))
    lines = asked(staff, f"breakdown?dimension=channel&limit=1&from={DAY}&to={DAY}")
    assert [(line["value"], line["visits"], line["orders"], line["revenue"]) for line in lines] == [
        ("email", 1, 1, "20.00"),
        ("(no session)", 0, 1, "5.00"),
    ]
    assert [line["value"] for line in asked(staff, f"breakdown?dimension=country&from={DAY}&to={DAY}")] == ["(none)"]


def test_the_period_before_ends_at_the_hour_at_which_today_was_computed(staff: Client) -> None:
    """Though the job that computes today is hours late."""
    visit(at(9)), visit(at(9) - timedelta(days=7)), visit(at(13) - timedelta(days=7))
    computed(DAY - timedelta(days=7), now=at(1)), computed(now=at(12))
    visit(at(13))
    found = asked(staff, f"daily?from={DAY}&to={DAY}&compare=previous")
    totals = found["totals"], found["comparison"]["totals"]
    assert [(each["totalVisits"], each["uniqueVisits"]) for each in totals] == [(1, 1), (1, 1)]


@pytest.mark.parametrize("changes", [{"SHOP_CURRENCY": "VND"}, {"COUNT_UNCONFIRMED_SESSIONS": False}])
def test_an_answer_that_is_kept_is_of_the_shop_as_it_is_set_up(
    staff: Client, settings: LazySettings, changes: dict[str, object]
) -> None:
    visit(at(9), unconfirmed=True), purchase(None, paid=at(9))
    computed(now=at(14))
    before = asked(staff, f"daily?{TWO_DAYS}")
    for name, value in changes.items():
        setattr(settings, name, value)
    assert asked(staff, f"daily?{TWO_DAYS}") != before


def test_touches_know_no_country(staff: Client) -> None:
    response = staff.get(f"/api/v1/analytics/breakdown?dimension=country&model=first&{TWO_DAYS}")
    assert (response.status_code, list(response.json()["details"])) == (400, ["dimension"])


def test_hours_of_the_week_are_sums_by_the_shops_clock(staff: Client, settings: LazySettings) -> None:
    """Of two Tuesdays; 10:00 UTC is 15:30 in Kolkata."""
    settings.SHOP_TIME_ZONE = "Asia/Kolkata"
    week = timedelta(days=7)
    purchase(visit(at(10)), paid=at(10, 5), subtotal=30), visit(at(10) - week), visit(at(9))
    computed(now=at(14)), computed(DAY - week)
    lines = asked(staff, f"hours?from={DAY - week}&to={DAY}")
    assert [(line["weekday"], line["hour"]) for line in lines] == [(d, h) for d in range(1, 8) for h in range(24)]
    found = {(line["weekday"], line["hour"]): line for line in lines}
    assert found[2, 15] == {"weekday": 2, "hour": 15, "hours": 2, "visits": 2, "orders": 1, "sales": "30.00"}
    assert (found[2, 14]["visits"], found[3, 15]["hours"]) == (1, 0)


def test_hours_to_come_are_not_counted_as_empty(staff: Client) -> None:
    computed(now=at(14))
    lines = asked(staff, f"hours?from={DAY}&to={DAY}")
    assert [line["hours"] for line in lines if line["weekday"] == 2] == [1] * 15 + [0] * 9


def test_an_hour_that_comes_twice_counts_twice(staff: Client, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    day = date(2025, 10, 26)
    visit(datetime(2025, 10, 26, 0, 30, tzinfo=UTC)), visit(datetime(2025, 10, 26, 1, 30, tzinfo=UTC)), computed(day)
    (line,) = (line for line in asked(staff, f"hours?from={day}&to={day}") if line["visits"])
    assert (line["weekday"], line["hour"], line["hours"], line["visits"]) == (7, 1, 2, 2)


def test_goals_are_answered_by_day_and_month_with_their_progress(staff: Client) -> None:
    SalesGoal.objects.create(period="month", starts_on=DAY.replace(day=1), amount=1000)
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=80)
    purchase(visit(at(9)), paid=at(10), subtotal=20), computed(now=at(14))
    data = asked(staff, f"goals?{TWO_DAYS}")
    assert data["days"] == [
        {"period": "day", "startsOn": "2026-03-09", "goal": "32.26", "sales": "0.00", "progress": "0.00"},
        {"period": "day", "startsOn": "2026-03-10", "goal": "80.00", "sales": "20.00", "progress": "25.00"},
    ]
    month = {"period": "month", "startsOn": "2026-03-01", "goal": "1047.74", "sales": "20.00", "progress": "1.91"}
    assert (data["months"], data["currency"]) == ([month], "GBP")
    assert [line["period"] for line in table(staff, f"goals?{TWO_DAYS}")] == ["day", "day", "month"]


def test_realtime_has_minutes_pages_checkouts_and_orders(staff: Client) -> None:
    RealtimeMetrics.objects.create(minute=at(14, 4), active_users=2, users_per_minute=2)
    RealtimeMetrics.objects.create(minute=at(13, 30), active_users=9, users_per_minute=9)
    event(visit(at(14)), "page_view", page="/mugs", timestamp=at(14))
    purchase(visit(at(14)), placed_at=at(14), subtotal=30)
    data = asked(staff, "realtime")
    assert data["minutes"] == [{"minute": "2026-03-10T14:04:00Z", "users": 2}]
    assert data["topPages"] == [{"page": "/mugs", "sessions": 1}]
    assert (data["openCheckouts"], data["ordersLastHour"], data["salesLastHour"]) == (0, 1, "30.00")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"),
        (f"from={DAY}", "to"),
        (f"from={DAY}&to={YESTERDAY}", "to"),
        (f"from={DAY}&to={DAY + timedelta(days=1)}", "to"),
        (f"from={DAY - timedelta(days=400)}&to={DAY}", "from"),
        ("from=2026-02-30&to=2026-03-01", "from"),
        ("from=0001-01-01&to=0001-01-24", "from"),
        (f"from={DAY}&to={DAY}&format=xml", "format"),
        (f"from={DAY}&to={DAY}&compare=next", "compare"),
    ],
)
def test_a_range_that_cannot_be_answered_is_refused_by_name(staff: Client, query: str, field: str) -> None:
    response = staff.get(f"/api/v1/analytics/daily?{query}")
    assert response.status_code == 400
    assert field in response.json()["details"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("dimension=weather", "dimension"), ("", "dimension"), ("dimension=city&limit=0", "limit")],
)
def test_an_unknown_dimension_is_refused_by_name(staff: Client, query: str, field: str) -> None:
    response = staff.get(f"/api/v1/analytics/breakdown?{TWO_DAYS}&{query}")
    assert (response.status_code, list(response.json()["details"])) == (400, [field])


def test_a_day_that_the_shops_zone_left_out_is_empty(staff: Client, settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Pacific/Apia"
    data = asked(staff, "daily?from=2011-12-30&to=2011-12-30&compare=previous")
    assert [(day["date"], day["totalVisits"]) for day in data["days"]] == [("2011-12-30", 0)]


def test_four_hundred_days_are_answered(staff: Client) -> None:
    assert len(asked(staff, f"daily?from={DAY - timedelta(days=399)}&to={DAY}")["days"]) == 400


def test_each_is_there_as_csv(staff: Client, two_days: VisitorSession) -> None:
    assert [line["totalVisits"] for line in table(staff, f"daily?{TWO_DAYS}")] == ["1", "2"]
    assert [line["sessions"] for line in table(staff, f"funnel?{TWO_DAYS}")] == ["3", "2", "2", "1", "1", "1"]
    assert table(staff, f"metrics?date={YESTERDAY}")[0]["totalSales"] == "40.00"
    assert table(staff, "realtime?") == []


def test_a_table_has_its_columns_though_nothing_is_in_it(staff: Client) -> None:
    for address, first in (("breakdown?dimension=product&", "value,name,visits"), ("realtime?", "minute,users")):
        text = staff.get(f"/api/v1/analytics/{address}from={DAY}&to={DAY}&format=csv").content.decode("utf-8-sig")
        assert text.startswith(first)
        assert text.count("\n") == 1


def test_compared_days_follow_in_the_table(staff: Client, two_days: VisitorSession) -> None:
    lines = table(staff, f"daily?{TWO_DAYS}&compare=previous")
    assert [line["period"] for line in lines] == ["current", "current", "before", "before"]
    assert [line["date"] for line in lines][2:] == [str(day - timedelta(days=7)) for day in (YESTERDAY, DAY)]
    assert "period" not in table(staff, f"daily?{TWO_DAYS}")[0]


def test_money_below_0_is_a_number_in_csv(staff: Client, two_days: VisitorSession) -> None:
    DailyMetrics.objects.filter(date=DAY).update(net_sales=-5, refunds=5, total_sales=0)
    assert table(staff, f"daily?{TWO_DAYS}")[1]["netSales"] == "-5.00"


def test_what_a_spreadsheet_would_run_is_text_in_csv(staff: Client) -> None:
    visit(at(9), utm_campaign="=cmd|' /C calc'!A0")
    computed(now=at(14))
    (line,) = table(staff, f"breakdown?dimension=campaign&from={DAY}&to={DAY}")
    assert line["value"] == "'=cmd|' /C calc'!A0"

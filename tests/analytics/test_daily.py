"""Each number of `daily_metrics` by its definition, on days whose figures were worked out by hand."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from analytics.models import DailyMetrics
from analytics.services import aggregate_day
from sessions_app.models import CrawlerDay
from tests.analytics.days import DAY, NEXT_MORNING, at, computed, event, purchase, visit
from tests.factories import CustomerFactory, OrderSessionFactory, PaymentAttemptFactory, RefundFactory

pytestmark = pytest.mark.django_db


def test_a_day_without_anything_has_a_row_of_zeros() -> None:
    row = computed()
    assert (row.total_visits, row.bounce_rate, row.total_sales) == (0, Decimal(0), Decimal(0))


def test_visits_are_sessions_started_that_day_and_visitors_are_distinct() -> None:
    visitor = uuid.uuid4()
    visit(at(8), visitor_id=visitor), visit(at(20), visitor_id=visitor), visit(at(9))
    visit(at(0) - timedelta(seconds=1)), visit(at(0) + timedelta(days=1))
    row = computed()
    assert (row.total_visits, row.unique_visits) == (3, 2)


def test_a_visitor_is_new_on_the_day_of_the_first_session_ever() -> None:
    known = uuid.uuid4()
    visit(at(9) - timedelta(days=40), visitor_id=known)
    visit(at(9), visitor_id=known), visit(at(10)), visit(at(11))
    row = computed()
    assert (row.new_users, row.existing_users) == (2, 1)


def test_a_later_visit_does_not_make_a_new_visitor_less_new() -> None:
    visitor = uuid.uuid4()
    visit(at(9), visitor_id=visitor), visit(at(9) + timedelta(days=1), visitor_id=visitor)
    assert computed().new_users == 1


def test_duration_and_page_views_are_means_over_sessions() -> None:
    visit(seconds=30, script_page_views=3), visit(seconds=60, script_page_views=2), visit(seconds=0)
    row = computed()
    assert (row.avg_session_duration, row.total_page_views, row.avg_page_views_per_session) == (30.0, 6, 2.0)


@pytest.mark.parametrize(
    ("pages", "seconds", "other_events", "bounces"),
    [(1, 0, 0, True), (1, 9, 0, True), (2, 0, 0, False), (1, 10, 0, False), (1, 0, 1, False)],
)
def test_two_pages_or_ten_seconds_or_any_other_event_is_no_bounce(
    pages: int, seconds: int, other_events: int, bounces: bool
) -> None:
    visit(seconds=seconds, script_page_views=pages, other_events=other_events)
    assert computed().bounce_rate == (100 if bounces else 0)


def test_each_step_of_the_funnel_implies_those_before() -> None:
    visit()
    visit(script_product_views=1)
    visit(cart_additions=2)
    visit(checkouts_started=1)
    visit(order_id=uuid.uuid4())
    visit(converted=True, converted_at=at(13))
    row = computed()
    steps = (
        row.total_visits, row.product_sessions, row.cart_sessions,
        row.checkout_sessions, row.order_sessions, row.converted_sessions,
    )  # fmt: skip
    assert steps == (6, 5, 4, 3, 2, 1)


def test_rates_are_percent_with_two_decimals_of_the_step_before_or_of_all_visits() -> None:
    visit(), visit(), visit(cart_additions=1), visit(checkouts_started=1), visit(cart_additions=1)
    visit(converted=True, converted_at=at(13))
    row = computed()
    rates = (row.cart_rate, row.checkout_rate, row.purchase_rate, row.conversion_rate)
    assert rates == tuple(map(Decimal, ("66.67", "50.00", "50.00", "16.67")))


def test_a_visit_converts_on_its_own_day_though_the_money_comes_after_midnight() -> None:
    purchase(visit(at(23, 55)), paid=at(0, 5) + timedelta(days=1))
    today, tomorrow = computed(), computed(DAY + timedelta(days=1))
    assert (today.converted_sessions, today.total_orders) == (1, 0)
    assert (tomorrow.converted_sessions, tomorrow.total_orders) == (0, 1)


def test_sales_are_the_totals_of_orders_paid_that_day_whenever_placed() -> None:
    purchase(visit(), paid=at(13), subtotal=100, discount_amount=10, shipping_amount=5, tax_amount=19)
    purchase(visit(), paid=at(14), subtotal=40)
    purchase(None, paid=at(15), subtotal=6, placed_at=at(9) - timedelta(days=3))
    purchase(visit())
    row = computed()
    assert (row.total_orders, str(row.total_sales), str(row.average_order_value)) == (3, "160.000", "53.333")
    assert list(map(int, (row.gross_sales, row.discounts, row.shipping, row.tax))) == [146, 10, 5, 19]


def test_orders_without_a_session_are_a_line_of_their_own() -> None:
    purchase(visit(), paid=at(13), subtotal=30), purchase(None, paid=at(13), subtotal=7)
    row = computed()
    assert (row.sessionless_orders, int(row.sessionless_sales)) == (1, 7)


def test_refunds_count_on_the_day_they_are_made_and_only_once_made() -> None:
    before = purchase(None, paid=at(9) - timedelta(days=5), subtotal=50, placed_at=at(9) - timedelta(days=5))
    attempt = PaymentAttemptFactory(order_session=OrderSessionFactory(order=before))
    RefundFactory(attempt=attempt, amount=20, requested_at=at(1) - timedelta(days=1), made_at=at(1), status="done")
    RefundFactory(attempt=attempt, amount=3, requested_at=at(2))
    purchase(None, paid=at(10), subtotal=15)
    row = computed()
    assert list(map(int, (row.refunds, row.total_sales, row.net_sales))) == [20, 15, -5]
    assert computed(DAY - timedelta(days=5)).net_sales == 50


def test_outcomes_are_of_the_orders_placed_that_day() -> None:
    for status in ("failed", "expired", "expired", "cancelled"):
        purchase(visit(), status=status)
    purchase(visit(), paid=at(1) + timedelta(days=1))
    purchase(None, status="failed", placed_at=at(1) - timedelta(days=1))
    row = computed()
    assert (row.placed_orders, row.failed_orders, row.expired_orders, row.cancelled_orders) == (5, 1, 2, 1)
    assert row.payment_success_rate == 20


def test_fulfilment_is_as_it_stands_now() -> None:
    for state in ("pending", "shipped", "shipped", "delivered"):
        purchase(None, paid=at(13), fulfillment_status=state)
    row = computed()
    assert (row.pending_fulfillment, row.shipped_fulfillment, row.delivered_fulfillment) == (1, 2, 1)


def test_cart_additions_and_checkouts_are_events_of_the_day() -> None:
    session = visit(at(23, 50) - timedelta(days=1))
    event(session, "add_to_cart", timestamp=at(0, 5)), event(session, "add_to_cart", timestamp=at(0, 6))
    event(session, "add_to_cart"), event(session, "checkout_started", timestamp=at(0, 7))
    row = computed()
    assert (row.cart_additions, row.checkouts_started) == (2, 1)


def test_customers_count_on_the_day_they_were_created() -> None:
    CustomerFactory(created_at=at(8)), CustomerFactory(created_at=at(9), type="registered")
    CustomerFactory(created_at=at(9) - timedelta(days=1))
    row = computed()
    assert (row.new_customers, row.new_registered) == (2, 1)


def test_bots_are_in_no_number() -> None:
    bot = visit(is_bot=True, script_page_views=5, cart_additions=1)
    event(bot, "add_to_cart")
    row = computed()
    assert (row.total_visits, row.unique_visits, row.total_page_views, row.cart_additions) == (0, 0, 0, 0)


def test_crawlers_are_counted_apart() -> None:
    CrawlerDay.objects.create(day=DAY, source="api", page_views=7)
    CrawlerDay.objects.create(day=DAY, source="import", page_views=4)
    row = computed()
    assert (row.crawler_page_views, row.total_page_views) == (11, 0)


@pytest.mark.parametrize(("counted", "visits"), [(True, 2), (False, 1)])
def test_a_setting_says_whether_unconfirmed_sessions_count(settings: Settings, counted: bool, visits: int) -> None:
    settings.COUNT_UNCONFIRMED_SESSIONS = counted
    visit(), visit(unconfirmed=True)
    assert computed().total_visits == visits


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 3, 30), 24)])
def test_a_day_is_as_long_as_the_clocks_of_the_shop_say(settings: Settings, day: date, hours: int) -> None:
    settings.SHOP_TIME_ZONE = "Europe/London"
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=2)
    for hour in range(30):
        visit(start + timedelta(hours=hour))
    assert computed(day, now=start + timedelta(days=3)).total_visits == hours


def test_computing_a_day_twice_gives_the_same_row() -> None:
    for number in range(7):
        purchase(visit(seconds=number * 7, script_page_views=number), paid=at(13), subtotal=number)
    aggregate_day(day=DAY, now=NEXT_MORNING)
    first = DailyMetrics.objects.values().get()
    aggregate_day(day=DAY, now=NEXT_MORNING)
    assert DailyMetrics.objects.values().get() == first


@pytest.mark.parametrize(("now", "final"), [(at(14), False), (NEXT_MORNING, True)])
def test_a_row_is_final_once_its_day_is_over(now: datetime, final: bool) -> None:
    assert computed(now=now).is_final is final

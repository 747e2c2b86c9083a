"""Reads of the dashboard."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from analytics import selectors
from analytics.models import DailyBreakdown, SalesGoal
from analytics.periods import previous, window
from sessions_app.models import DeadLetter
from tests.analytics.days import DAY, at, computed, purchase, visit
from tests.factories import NOW, OrderFactory, ProductFactory
from tests.orders.subscriber import delivery_to, endpoint_at

pytestmark = pytest.mark.django_db
Dimension = DailyBreakdown.Dimension


def test_unique_visitors_are_counted_over_the_window_not_summed_over_days() -> None:
    visitor = uuid.uuid4()
    for ago in range(5):
        visit(at(9) - timedelta(days=ago), visitor_id=visitor)
    visit(at(9)), visit(at(9) - timedelta(days=8))
    current = window(7, at(14))
    assert selectors.unique_visitors(current, previous(current)) == (2, 1)


def test_bots_are_no_unique_visitors() -> None:
    visit(at(9), is_bot=True)
    current = window(7, at(14))
    assert selectors.unique_visitors(current, previous(current)) == (0, 0)


def test_a_window_adds_whole_days_as_stored_and_its_last_day_as_given() -> None:
    visit(at(9) - timedelta(days=1)), visit(at(9) - timedelta(days=1)), visit(at(9)), visit(at(15))
    computed(DAY - timedelta(days=1))
    current = window(7, at(14))
    today = selectors.slice_totals(current.last_start, current.until)
    stored = selectors.daily_rows(current.first, current.last)
    assert selectors.window_totals(current, stored, today).total_visits == 3


def test_outcomes_name_every_state() -> None:
    purchase(visit(at(9)), paid=at(10), subtotal=30), purchase(visit(at(9)), status="expired", subtotal=5)
    found = {
        outcome.status: (outcome.orders, int(outcome.total)) for outcome in selectors.order_outcomes(window(1, at(14)))
    }
    assert found == {
        "pending": (0, 0), "success": (1, 30), "failed": (0, 0), "expired": (1, 5), "cancelled": (0, 0),
    }  # fmt: skip


def test_top_values_are_added_over_days_and_the_smaller_ones_left_out() -> None:
    for ago, city in ((0, "A"), (1, "A"), (1, "B"), (2, "C"), (2, "C"), (2, "C")):
        visit(at(9) - timedelta(days=ago), city=city)
    for ago in range(3):
        computed(DAY - timedelta(days=ago))
    found = selectors.top_values(window(7, at(14)), [Dimension.CITY], 2)
    assert [(entry.value, entry.visits) for entry in found[Dimension.CITY]] == [("C", 3), ("A", 2)]


def test_products_are_shown_by_name_and_a_deleted_one_by_its_id() -> None:
    product, gone = ProductFactory(name="Oak stool"), uuid.uuid4()
    for value in (product.id, gone, "(deleted)"):
        DailyBreakdown.objects.create(date=DAY, dimension="product", value=str(value), visits=1)
    found = selectors.top_values(window(1, at(14)), [Dimension.PRODUCT], 8)
    assert {entry.value for entry in found[Dimension.PRODUCT]} == {"Oak stool", str(gone), "(deleted)"}


def test_visits_without_a_campaign_are_no_campaign() -> None:
    visit(at(9)), visit(at(9), utm_campaign="spring")
    computed()
    found = selectors.top_values(window(1, at(14)), [Dimension.CAMPAIGN], 8)
    assert [entry.value for entry in found[Dimension.CAMPAIGN]] == ["spring"]


def test_a_months_goal_is_spread_over_its_days_and_a_days_own_goal_goes_before() -> None:
    SalesGoal.objects.create(period="month", starts_on=DAY.replace(day=1), amount=3100)
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=500)
    assert selectors.goal_of_days([DAY, DAY + timedelta(days=1)]) == 600
    assert selectors.goal_of_days([DAY - timedelta(days=20)]) == 0


def test_attention_counts_orders_marked_and_events_not_stored() -> None:
    OrderFactory(needs_attention="paid late"), OrderFactory()
    DeadLetter.objects.create(entry={}, error="no such session")
    assert selectors.attention() == selectors.Attention(orders=1, dead_letters=1)
    delivery_to(endpoint_at("https://a.example/"), status="dead", next_try_at=None, settled_at=NOW)
    assert selectors.attention().dead_deliveries == 1


def test_the_first_day_is_that_of_the_first_visit_or_order() -> None:
    assert selectors.first_day() is None
    visit(at(9))
    purchase(None, placed_at=at(9) - timedelta(days=3))
    assert selectors.first_day() == DAY - timedelta(days=3)


def test_the_stats_of_a_day_have_its_goal_and_how_far_it_is_reached() -> None:
    SalesGoal.objects.create(period="day", starts_on=DAY, amount=80)
    purchase(visit(at(9)), paid=at(10), subtotal=20)
    computed()
    stats = selectors.stats_of_day(DAY, now=at(12))
    assert (stats["sales_goal"], stats["sales_goal_progress"]) == (80, Decimal("25.00"))

"""Windows cut into points: stored for all visits, counted for filtered ones. Both must say the same."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import time_machine

from analytics import selectors, slices
from analytics.metrics import FUNNEL, METRICS
from analytics.periods import Window, last_instant, previous, window
from analytics.slices import Slice
from orders.models import Order
from sessions_app.dimensions import Dimension, Filters, Step
from tests.analytics.days import DAY, at, computed, event, purchase, visit
from tests.factories import OrderItemFactory, OrderSessionFactory, PaymentAttemptFactory, ProductFactory, RefundFactory

pytestmark = pytest.mark.django_db
NOW = at(14, 5)
ALIKE: Filters = {Dimension.DEVICE: "mobile"}
"""What all visits of these tests have in common."""
NOT_OF_VISITS = {"new_users", "cart_additions", "checkouts_started", "new_customers", "new_registered"}
"""What is not counted of filtered visits."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def history() -> None:
    """Three days of visits from two sources, with a refund, an order paid on the day after, and today until now."""
    for ago in range(3):
        day = DAY - timedelta(days=ago)
        for number, source in enumerate(("news", "news", "")):
            seen = visit(at(9 + number, day=day), seconds=20 * number, device="mobile", utm_source=source, page_views=2)
            order = purchase(seen, paid=at(13, day=day), subtotal=10 + number)
        visit(at(8, day=day), visitor_id=UUID(int=7), device="mobile", landing_page="/a", checkouts_started=1)
        window_of_order = OrderSessionFactory.create(order=order)
        attempt = PaymentAttemptFactory.create(order_session=window_of_order)
        RefundFactory.create(attempt=attempt, amount=3, status="done", made_at=at(13, 30, day=day))
    purchase(visit(at(23, day=DAY - timedelta(days=2)), device="mobile"), paid=at(1, day=DAY - timedelta(days=1)))
    for ago in (2, 1):
        computed(DAY - timedelta(days=ago), now=NOW)


def slice_of(window: Window, filters: Filters, *, with_visitors: bool = False) -> Slice:
    """The window as it is known now."""
    stored = selectors.rows_of([window])
    return slices.slice_of(window, filters, stored=stored, known_until=NOW, with_visitors=with_visitors)


def of_visits(found: Slice) -> dict[str, Any]:
    """The totals that filters know."""
    return {name: value for name, value in asdict(found.totals).items() if name not in NOT_OF_VISITS}


def whole(days: int) -> Window:
    """So many days until yesterday."""
    return window(days, last_instant(DAY - timedelta(days=1)))


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.usefixtures("history")
def test_a_filter_that_all_visits_fit_changes_no_number(days: int) -> None:
    for shown in (window(days, NOW), whole(days), previous(window(days, NOW)).shifted(-7)):
        everybody, alike = (slice_of(shown, each, with_visitors=True) for each in ({}, ALIKE))
        assert of_visits(alike) == of_visits(everybody)
        assert alike.visitors == everybody.visitors
        for metric in METRICS.values():
            if metric.name not in NOT_OF_VISITS | {"existing_users", "crawler_page_views"}:
                assert [p.value(metric) for p in alike.points] == [p.value(metric) for p in everybody.points], metric


@pytest.mark.usefixtures("history")
def test_the_points_of_whole_days_make_the_totals() -> None:
    found = slice_of(whole(2), {})
    assert sum(point.totals.total_sales for point in found.points if point.totals) == found.totals.total_sales > 0


@pytest.mark.usefixtures("history")
def test_one_day_is_shown_by_hour_and_hours_to_come_are_unknown() -> None:
    found = slice_of(window(1, NOW), {})
    assert [point.totals.total_visits if point.totals else None for point in found.points] == (
        [0] * 8 + [1] * 4 + [0] * 3 + [None] * 9
    )


def test_a_window_before_is_cut_in_its_totals_and_whole_in_its_points() -> None:
    week_ago = DAY - timedelta(days=7)
    visit(at(13, day=week_ago), device="mobile"), visit(at(15, day=week_ago), device="mobile")
    for filters in ({}, ALIKE):
        computed(week_ago, now=NOW)
        found = slice_of(previous(window(2, NOW)), filters)
        assert found.totals.total_visits == 1
        assert [point.totals.total_visits for point in found.points if point.totals] == [0, 2]


@pytest.mark.usefixtures("history")
def test_filters_leave_those_visits_that_fit_them_all() -> None:
    filters = {Dimension.SOURCE: "news", Dimension.DEVICE: "mobile"}
    found = slice_of(window(3, NOW), filters)
    assert (found.totals.total_visits, found.totals.total_orders, found.totals.total_sales) == (6, 6, Decimal(63))


@pytest.mark.usefixtures("history")
def test_none_is_a_value_like_others() -> None:
    found = slice_of(window(3, NOW), {Dimension.SOURCE: "(none)"})
    assert found.totals.total_visits == 7


@pytest.mark.usefixtures("history")
def test_refunds_are_of_the_visits_whose_orders_they_are_of() -> None:
    refunds = [slice_of(window(3, NOW), {Dimension.SOURCE: source}).totals.refunds for source in ("news", "(none)")]
    assert refunds == [0, 9]


def test_a_product_is_one_that_was_looked_at_in_the_visit() -> None:
    product = ProductFactory.create()
    saw, other = visit(at(9)), visit(at(10))
    event(saw, "product_view", product_id=product.id), event(other, "page_view", page="/b")
    for filters in ({Dimension.PRODUCT: str(product.id)}, {Dimension.PAGE: "/b"}):
        found = slice_of(window(1, NOW), filters)
        assert found.totals.total_visits == 1


def test_what_is_no_product_matches_no_visit() -> None:
    visit(at(9))
    found = slice_of(window(1, NOW), {Dimension.PRODUCT: "'; DROP"})
    assert found.totals.total_visits == 0


@pytest.mark.parametrize("dimension", [*(each for each in Dimension if each is not Dimension.PAGE)])
def test_values_of_filtered_visits_are_those_that_are_stored(dimension: Dimension) -> None:
    product = ProductFactory.create()
    day = DAY - timedelta(days=1)
    for number, source in enumerate(("news", "", "ads")):
        seen = visit(at(9 + number, day=day), device="mobile", utm_source=source, city="Bath", script_page_views=1)
        event(seen, "product_view", product_id=product.id, source="script")
    order = purchase(seen, paid=at(13, day=day), subtotal=12)
    OrderItemFactory.create(order=order, product=product, unit_price=12, quantity=1, line_total=12)
    computed(day, now=NOW)
    found = slices.values_of(whole(1), dimension, ALIKE)
    named = [each for each in found if (dimension, each.value) != (Dimension.CAMPAIGN, "(none)")]
    assert named == selectors.top_values(whole(1), [dimension], 10).get(dimension, [])


@pytest.mark.usefixtures("history")
def test_hours_of_the_week_of_filtered_visits_are_those_that_are_stored() -> None:
    everybody, alike = (slices.hours_of_week(whole(2), each) for each in ({}, ALIKE))
    names = ("weekday", "hour", "visits", "orders", "sales")
    assert [[hour[name] for name in names] for hour in alike] == [[hour[name] for name in names] for hour in everybody]
    assert sum(hour["visits"] for hour in alike) > 0


@pytest.mark.usefixtures("history")
def test_outcomes_are_of_the_orders_that_filtered_visits_placed() -> None:
    purchase(None, placed_at=at(9))
    purchase(visit(at(9), utm_source="news"), placed_at=at(9), status=Order.Status.EXPIRED)
    found = {each.status: each.orders for each in selectors.order_outcomes(window(1, NOW), {Dimension.SOURCE: "news"})}
    assert (found["success"], found["expired"], found["pending"]) == (2, 1, 0)


@pytest.mark.parametrize("step", Step)
def test_each_step_has_the_number_that_counts_those_who_came_so_far(step: Step) -> None:
    reached = [{}, {"script_product_views": 1}, {"cart_additions": 1}, {"checkouts_started": 1}]
    for fields in reached:
        visit(at(9), **fields)
    purchase(visit(at(9)))
    purchase(visit(at(9)), paid=at(10))
    found = slice_of(window(1, NOW), {})
    assert getattr(found.totals, FUNNEL[step]) == 6 - list(Step).index(step)

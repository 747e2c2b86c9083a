"""`daily_breakdown` by its definitions."""

import uuid
from datetime import timedelta

import pytest

from analytics.models import DailyBreakdown
from analytics.services import breakdown
from tests.analytics.days import DAY, at, broken_down, computed, event, purchase, visit
from tests.factories import OrderItemFactory, ProductFactory

pytestmark = pytest.mark.django_db


def test_visits_and_visitors_are_counted_by_value() -> None:
    visitor = uuid.uuid4()
    visit(channel="paid", visitor_id=visitor), visit(channel="paid", visitor_id=visitor)
    visit(channel="paid"), visit(channel="direct", visitor_id=visitor)
    computed()
    assert broken_down("channel") == {"paid": (3, 2, 0, "0.00"), "direct": (1, 1, 0, "0.00")}


@pytest.mark.parametrize(
    ("dimension", "field"),
    [
        ("source", "utm_source"), ("medium", "utm_medium"), ("campaign", "utm_campaign"),
        ("referrer", "referrer_host"), ("landing_page", "landing_page"), ("country", "country"),
        ("city", "city"), ("device", "device"), ("browser", "browser"), ("os", "os"),
    ],
)  # fmt: skip
def test_every_dimension_reads_its_own_column(dimension: str, field: str) -> None:
    for value in ("ab", "ab", ""):
        visit(**{field: value})  # type: ignore[arg-type] # mypy takes it for the start of the visit
    computed()
    assert broken_down(dimension) == {"ab": (2, 2, 0, "0.00"), "(none)": (1, 1, 0, "0.00")}


def test_orders_and_revenue_belong_to_the_visit_that_placed_the_order_on_its_day() -> None:
    purchase(visit(at(23, 55), channel="e-mail"), paid=at(0, 5) + timedelta(days=1), subtotal=30)
    purchase(visit(channel="e-mail"), status="expired")
    computed(), computed(DAY + timedelta(days=1))
    assert broken_down("channel") == {"e-mail": (2, 2, 1, "30.00")}
    assert broken_down("channel", DAY + timedelta(days=1)) == {}


def test_products_have_views_and_what_was_paid_for_them() -> None:
    seen, bought = ProductFactory(price=5), ProductFactory(price=8)
    session = visit()
    event(session, "product_view", product_id=seen.id), event(session, "product_view", product_id=seen.id)
    order = purchase(session, paid=at(13), subtotal=21)
    OrderItemFactory(order=order, product=bought, quantity=2), OrderItemFactory(order=order, product=seen)
    OrderItemFactory(order=purchase(visit(), subtotal=8), product=bought)
    computed()
    assert broken_down("product") == {str(seen.id): (2, 1, 1, "5.00"), str(bought.id): (0, 0, 1, "16.00")}


def test_a_page_is_counted_once_by_the_script_if_it_ran_else_by_the_api() -> None:
    scripted, plain = visit(script_page_views=1), visit(script_page_views=0, api_page_views=2)
    event(scripted, "page_view", page="/a", source="script"), event(scripted, "page_view", page="/a", source="api")
    event(plain, "page_view", page="/a", source="api"), event(plain, "page_view", page="/b", source="api")
    computed()
    assert broken_down("page") == {"/a": (2, 2, 0, "0.00"), "/b": (1, 1, 0, "0.00")}


def test_bots_are_in_no_breakdown() -> None:
    event(visit(is_bot=True), "page_view")
    computed()
    assert not DailyBreakdown.objects.exists()


def test_values_beyond_the_top_are_added_up_as_other_with_distinct_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 2)
    visitor = uuid.uuid4()
    for city in ("A", "A", "A", "B", "B"):
        visit(city=city)
    visit(city="C", visitor_id=visitor), visit(city="D", visitor_id=visitor), visit(city="E")
    computed()
    assert broken_down("city") == {
        "A": (3, 3, 0, "0.00"),
        "B": (2, 2, 0, "0.00"),
        "(other)": (3, 2, 0, "0.00"),
    }


def test_pages_beyond_the_top_count_distinct_visitors_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 1)
    session = visit()
    for page in ("/a", "/a", "/b", "/c"):
        event(session, "page_view", page=page)
    computed()
    assert broken_down("page") == {"/a": (2, 1, 0, "0.00"), "(other)": (2, 1, 0, "0.00")}


def test_computing_again_replaces_the_rows_and_keeps_those_unchanged() -> None:
    gone, stays = visit(city="Gone"), visit(city="Stays")
    computed()
    kept = DailyBreakdown.objects.get(dimension="city", value="Stays").pk
    gone.delete()
    computed()
    assert broken_down("city") == {"Stays": (1, 1, 0, "0.00")}
    assert DailyBreakdown.objects.get(dimension="city").pk == kept
    assert stays.city == "Stays"


def test_a_very_long_page_is_cut_to_what_an_index_can_hold() -> None:
    visit(landing_page="/" + "ü" * 2000)
    computed()
    assert len(DailyBreakdown.objects.get(dimension="landing_page").value) == 512


def test_whoever_calls_a_value_as_an_empty_one_is_called_is_counted_there_once() -> None:
    visitor = uuid.uuid4()
    visit(utm_medium="", visitor_id=visitor), visit(utm_medium="(none)", visitor_id=visitor), visit(utm_medium="(none)")
    purchase(visit(utm_medium="(none)"), paid=at(13), subtotal=8), purchase(visit(), paid=at(13), subtotal=5)
    computed()
    assert broken_down("medium") == {"(none)": (5, 4, 2, "13.00")}


def test_an_empty_value_and_its_name_have_one_row_among_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 1)
    for city in ("", "(none)", "", "(none)", "A", "A", "A"):
        visit(city=city)
    computed()
    assert broken_down("city") == {"(none)": (4, 4, 0, "0.00"), "(other)": (3, 3, 0, "0.00")}


def test_pages_called_as_the_empty_one_are_counted_there_once() -> None:
    session = visit(script_page_views=2)
    event(session, "page_view", page="", source="script"), event(session, "page_view", page="(none)", source="script")
    computed()
    assert broken_down("page") == {"(none)": (2, 1, 0, "0.00")}


def test_whoever_calls_a_value_as_the_rest_is_called_is_counted_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 2)
    visitor = uuid.uuid4()
    for medium in ("(other)", "(other)", "(other)", "a", "a", "b", "c"):
        visit(utm_medium=medium, visitor_id=visitor if medium in ("b", "(other)") else uuid.uuid4())
    computed()
    assert broken_down("medium") == {"a": (2, 2, 0, "0.00"), "(other)": (5, 2, 0, "0.00")}


def test_pages_called_as_the_rest_is_called_are_counted_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdown, "KEPT_VALUES", 2)
    session = visit(script_page_views=4)
    for page in ("(other)", "(other)", "(other)", "/a", "/a", "/b"):
        event(session, "page_view", page=page, source="script")
    computed()
    assert broken_down("page") == {"/a": (2, 1, 0, "0.00"), "(other)": (4, 1, 0, "0.00")}

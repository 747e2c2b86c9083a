"""Products over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.pages import encode_cursor
from tests.factories import CategoryFactory, ProductFactory
from tests.world import Shopper

pytestmark = pytest.mark.django_db

NO_PLACES = [["1", "a", "b", "c"], ["9", "a", "01a1fb0d-0f8a-7271-b19c-7282e705715f"], ["0", "a", "x"], ["-1", "a", ""]]


@pytest.fixture
def shopper() -> Shopper:
    return Shopper()


def page(shopper: Shopper, query: str = "") -> dict[str, Any]:
    data: dict[str, Any] = shopper.get(f"/storefront/products{query}").json()["data"]
    return data


def statements(shopper: Shopper, path: str) -> int:
    shopper.visit()
    with CaptureQueriesContext(connection) as queries:
        assert shopper.get(f"/storefront/{path}").status_code == 200
    return len(queries)


def all_names(shopper: Shopper, query: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = page(shopper, f"?{query}&cursor={cursor}")
        found += [item["name"] for item in data["items"]]
        cursor = data["next"]
    return found


def names(shopper: Shopper, query: str = "") -> list[str]:
    return [item["name"] for item in page(shopper, query)["items"]]


def test_a_product_shows_price_and_availability(shopper: Shopper) -> None:
    product = ProductFactory(category=CategoryFactory(slug="cups"), price=Decimal("48.9"), thumbnail="/cup.png")
    assert shopper.get(f"/storefront/products/{product.slug}").json()["data"] == {
        "id": str(product.id),
        "slug": product.slug,
        "sku": product.sku,
        "name": product.name,
        "description": "",
        "category": "cups",
        "price": "48.90",
        "currency": "GBP",
        "thumbnail": "/cup.png",
        "available": 100,
    }


def test_untracked_stock_has_no_number(shopper: Shopper) -> None:
    product = ProductFactory(track_stock=False)
    assert shopper.get(f"/storefront/products/{product.id}").json()["data"]["available"] is None


def test_a_price_has_the_digits_of_its_currency(settings: LazySettings, shopper: Shopper) -> None:
    settings.SHOP_CURRENCY = "VND"
    product = ProductFactory(price=Decimal(65000))
    assert shopper.get(f"/storefront/products/{product.id}").json()["data"]["price"] == "65000"


def test_a_product_is_found_by_slug_and_by_id(shopper: Shopper) -> None:
    product = ProductFactory()
    for name in (product.slug, product.id, str(product.id).upper()):
        assert shopper.get(f"/storefront/products/{name}").json()["data"]["sku"] == product.sku


@pytest.mark.parametrize(
    "name", ["nothing", "01a1fb0d-0f8a-7271-b19c-7282e705715f", "a%00b", "%ED%A0%80", "x" * 300, "17"]
)
def test_what_is_not_there_is_not_found(name: str, shopper: Shopper) -> None:
    answer = shopper.get(f"/storefront/products/{name}")
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


def test_a_product_off_sale_is_not_found_nor_listed(shopper: Shopper) -> None:
    hidden = ProductFactory(is_active=False)
    assert shopper.get(f"/storefront/products/{hidden.slug}").status_code == 404
    assert names(shopper) == []


def test_the_list_is_by_name(shopper: Shopper) -> None:
    for name in ("Pear", "Apple", "Fig"):
        ProductFactory(name=name)
    assert names(shopper) == ["Apple", "Fig", "Pear"]


def test_pages_hold_every_product_once_though_names_are_alike(shopper: Shopper) -> None:
    ProductFactory.create_batch(50, name="Twin")
    ProductFactory.create_batch(5, name="Ärger & Söhne")
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = page(shopper, f"?cursor={cursor}")
        found += [item["id"] for item in data["items"]]
        cursor = data["next"]
    assert (len(found), len(set(found))) == (55, 55)


def test_a_full_last_page_has_no_next(shopper: Shopper) -> None:
    ProductFactory.create_batch(24)
    assert page(shopper)["next"] is None


@pytest.mark.parametrize(
    ("words", "found"),
    [("mug", ["Blue mug", "Red mug"]), ("RED", ["Red mug"]), ("mug red", ["Red mug"]), ("MG-1", ["Red mug"]),
     ("stone", ["Blue mug"]), ("%25", []), ("_", []), ("tea", [])],
)  # fmt: skip
def test_search_finds_every_word_in_name_sku_or_description(words: str, found: list[str], shopper: Shopper) -> None:
    ProductFactory(name="Red mug", sku="MG-1")
    ProductFactory(name="Blue mug", sku="MG-2", description="Stoneware")
    assert names(shopper, f"?search={words}") == found


def test_a_category_holds_its_own(shopper: Shopper) -> None:
    ProductFactory(name="Cup", category=CategoryFactory(slug="cups"))
    ProductFactory(name="Plate", category=CategoryFactory(slug="plates"))
    assert names(shopper, "?category=cups") == ["Cup"]
    assert names(shopper, "?category=none") == []


@pytest.mark.parametrize("name", ["search", "category", "cursor"])
@pytest.mark.parametrize("value", ["a%00b", "x" * 201])
def test_text_that_cannot_be_asked_for_is_refused(name: str, value: str, shopper: Shopper) -> None:
    answer = shopper.get(f"/storefront/products?{name}={value}")
    assert (answer.status_code, answer.json()["error"], list(answer.json()["details"])) == (
        400,
        "INVALID_INPUT",
        [name],
    )


@pytest.mark.parametrize("path", ["products", "products?search=mug", "categories"])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "W10",
        "bnVsbA",
        "WyJcdWQ4MDAiLCAiYSJd",
        "WyJhIiwgMV0",
        "WyIwIiwgImEiLCAiYiJd",
        *map(encode_cursor, NO_PLACES),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(path: str, cursor: str, shopper: Shopper) -> None:
    answer = shopper.get(f"/storefront/{path}{'&' if '?' in path else '?'}cursor={cursor}")
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")


def test_a_page_takes_one_statement(shopper: Shopper) -> None:
    ProductFactory.create_batch(24, category=CategoryFactory())
    assert statements(shopper, "products") == 1
    assert statements(shopper, "products?category=cups") == 1


def test_a_page_of_categories_takes_one_statement(shopper: Shopper) -> None:
    for _ in range(3):
        ProductFactory(category=CategoryFactory())
    assert statements(shopper, "categories") == 1


@pytest.mark.parametrize(("number", "expected"), [(1, 5), (24, 5), (25, 3), (60, 3)])
def test_a_search_takes_three_statements_or_five_when_names_do_not_fill_the_page(
    number: int, expected: int, shopper: Shopper
) -> None:
    ProductFactory.create_batch(number, name="Mug", category=CategoryFactory())
    assert statements(shopper, "products?search=mug") == expected


def test_pages_of_a_search_hold_every_product_once_the_best_first(shopper: Shopper) -> None:
    ProductFactory.create_batch(30, name="Apron", description="Goes with any mug")
    ProductFactory.create_batch(30, name="Mug")
    ProductFactory(name="Bucket", sku="MUG")
    ProductFactory.create_batch(3, name="Bucket")
    assert all_names(shopper, "search=mug") == ["Bucket"] + ["Mug"] * 30 + ["Apron"] * 30


def test_what_many_products_answer_to_is_found_on_the_way_in_the_same_order(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = CategoryFactory(slug="cups")
    for number in range(60):
        ProductFactory(name=f"Mug {number % 7}", description="for tea", category=shelf if number % 2 else None)
    searches = ["search=mug", "search=tea", "search=mug&category=cups"]
    sorted_after = [all_names(shopper, search) for search in searches]
    monkeypatch.setattr("catalog.selectors.COMMON", 5)
    assert [all_names(shopper, search) for search in searches] == sorted_after


@pytest.mark.parametrize("words", ["%00", "%ED%A0%80", "%F0%9F%99%82", "'", "!!%26%7C()", "x" * 200, "..."])
def test_whatever_is_typed_is_answered(words: str, shopper: Shopper) -> None:
    ProductFactory(name="Mug")
    answer = shopper.get(f"/storefront/products?search={words}")
    assert answer.status_code == (400 if words == "%00" else 200)
    assert not answer.json().get("data", {}).get("items")


def test_a_blank_search_is_none(shopper: Shopper) -> None:
    ProductFactory(name="Mug")
    assert names(shopper, "?search=%20") == ["Mug"]


def test_categories_with_something_for_sale_are_listed_by_name(shopper: Shopper) -> None:
    ProductFactory(category=CategoryFactory(slug="plates", name="Plates"))
    ProductFactory(category=CategoryFactory(slug="cups", name="Cups"))
    ProductFactory(category=CategoryFactory(slug="hidden"), is_active=False)
    CategoryFactory(slug="empty")
    assert shopper.get("/storefront/categories").json()["data"] == {
        "items": [{"slug": "cups", "name": "Cups"}, {"slug": "plates", "name": "Plates"}],
        "next": None,
    }


def test_pages_of_categories_hold_every_category_once(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.selectors.CATEGORIES", 2)
    for _ in range(5):
        ProductFactory(category=CategoryFactory(name="Twin"))
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = shopper.get(f"/storefront/categories?cursor={cursor}").json()["data"]
        found += [item["slug"] for item in data["items"]]
        cursor = data["next"]
    assert (len(found), len(set(found))) == (5, 5)


def test_a_read_counts_as_a_page_view(shopper: Shopper) -> None:
    product = ProductFactory()
    page(shopper)
    shopper.get(f"/storefront/products/{product.slug}")
    shopper.get("/storefront/products/nothing")
    assert shopper.visit()["pageViews"] == 2

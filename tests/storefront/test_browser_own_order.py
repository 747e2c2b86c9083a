"""The shopper's own unpaid order holds the pieces: told at cart, checkout, confirm and product, paid or cancelled."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import ORDER_PAGE, add_to_cart, confirm_button, go_to_review, place_order
from tests.storefront.stub_account import Refused
from tests.storefront.stub_api import StubShop

pytestmark = pytest.mark.browser


def held_by_own_order(shop: StubShop, **change: object) -> Refused:
    short = {"productId": shop.products[0]["id"], "name": "Mug", "asked": 1, "available": 0}
    waiting = shop.pending_order() | change
    return Refused(409, "OUT_OF_STOCK", {"items": [short], "pendingOrder": waiting})


@pytest.fixture
def waiting(page: Page, shop: StubShop) -> None:
    """An order that waits for its payment, and the same product in the cart again."""
    place_order(page)
    add_to_cart(page, "mug")


@pytest.mark.usefixtures("waiting")
def test_cart_goes_on_when_the_own_order_is_cancelled(page: Page, shop: StubShop) -> None:
    page.goto("/shop/cart")
    shop.refuse_next("initiate", held_by_own_order(shop))
    page.get_by_role("link", name="Go to checkout").click()
    expect(page.locator(".notice")).to_contain_text("Your own unpaid order ORD-7K2M9QX4TB holds these until")
    expect(page.locator(".notice")).to_be_focused()
    page.get_by_role("button", name="Cancel that order and go on").click()
    expect(page).to_have_url(f"{shop.base}/shop/checkout")
    expect(page.get_by_label("E-mail")).to_be_visible()
    assert shop.order["status"] == "cancelled"


@pytest.mark.usefixtures("waiting")
def test_checkout_leads_to_the_payment_of_the_own_order(page: Page, shop: StubShop) -> None:
    shop.refuse_next("initiate", held_by_own_order(shop))
    page.goto("/shop/checkout")
    page.get_by_role("link", name="Pay that order").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert shop.order["status"] == "pending"


@pytest.mark.usefixtures("waiting")
def test_own_order_without_an_open_payment_is_paid_from_its_page(page: Page, shop: StubShop) -> None:
    shop.refuse_next("initiate", held_by_own_order(shop, paymentUrl=None))
    page.goto("/shop/checkout")
    page.get_by_role("link", name="Pay that order").click()
    expect(page).to_have_url(re.compile(ORDER_PAGE))


@pytest.mark.usefixtures("waiting")
def test_order_is_placed_when_the_own_order_is_cancelled_at_confirm(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.refuse_next("confirm", held_by_own_order(shop))
    confirm_button(page).click()
    page.get_by_role("button", name="Cancel that order and go on").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert len(set(shop.keys)) == len(shop.keys) == 2


@pytest.mark.usefixtures("waiting")
def test_own_order_that_was_paid_meanwhile_is_shown(page: Page, shop: StubShop) -> None:
    shop.refuse_next("initiate", held_by_own_order(shop))
    page.goto("/shop/checkout")
    shop.refuse_next("cancel", Refused(409, "ORDER_NOT_CANCELLABLE"))
    page.get_by_role("button", name="Cancel that order and go on").click()
    expect(page.get_by_text("This order can no longer be cancelled.")).to_be_visible()
    page.get_by_role("link", name="Go to the order").click()
    expect(page).to_have_url(re.compile(ORDER_PAGE))


@pytest.mark.usefixtures("waiting")
def test_product_that_the_own_order_has_sold_out_says_so(page: Page, shop: StubShop) -> None:
    shop.products[0]["available"] = 0
    page.goto("/shop/products/mug")
    expect(page.locator(".notice")).to_contain_text("Your own unpaid order ORD-7K2M9QX4TB")
    shop.products[0]["available"] = 1
    page.get_by_role("button", name="Cancel that order and go on").click()
    expect(page.get_by_role("button", name="Add to cart")).to_be_visible()
    expect(page.locator(".notice")).to_be_hidden()


def test_product_that_others_have_sold_out_names_no_order(page: Page, shop: StubShop) -> None:
    with page.expect_response(re.compile("/api/v1/orders")):
        page.goto("/shop/products/candle")
    expect(page.get_by_text("Sold out.")).to_be_visible()
    expect(page.locator(".notice")).to_be_hidden()


def test_cart_takes_what_is_left_before_the_checkout(page: Page, shop: StubShop) -> None:
    add_to_cart(page, "lamp")
    add_to_cart(page, "mug")
    page.goto("/shop/cart")
    short = {"productId": shop.products[0]["id"], "name": "Mug", "asked": 1, "available": 0}
    shop.refuse_next("initiate", Refused(409, "OUT_OF_STOCK", {"items": [short]}))
    page.get_by_role("link", name="Go to checkout").click()
    expect(page.get_by_text("Mug: sold out")).to_be_visible()
    expect(page.get_by_role("link", name="Change the cart")).to_be_hidden()
    page.get_by_role("button", name="Take what is left").click()
    expect(page.locator(".cart-line")).to_have_count(1)

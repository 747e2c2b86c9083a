"""Checkout in a real browser: errors in their place, refusals with a next step, never two orders."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import ORDER_PAGE, add_to_cart, confirm_button, fill_address, go_to_review
from tests.storefront.stub_account import Refused
from tests.storefront.stub_api import ORDER_TOKEN, StubShop

pytestmark = pytest.mark.browser


def test_field_error_stands_beside_its_field_and_takes_the_focus(page: Page) -> None:
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    fill_address(page)
    page.get_by_label("Postcode").fill("")
    page.get_by_role("button", name="Continue to delivery").click()
    expect(page.get_by_label("Postcode")).to_be_focused()
    expect(page.get_by_label("Postcode")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#postal-code-error")).to_have_text("Please fill this in.")
    page.get_by_label("Postcode").fill("SW1")
    expect(page.locator("#postal-code-error")).to_be_empty()


def test_error_that_the_server_finds_opens_its_step(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.refuse_next("confirm", Refused(400, "INVALID_INPUT", {"email": ["No such domain."]}))
    confirm_button(page).click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.locator("#email-error")).to_have_text("No such domain.")


def test_changed_price_is_said_and_the_new_total_can_be_ordered(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.checkout["items"][0]["lineTotal"] = "29.50"
    confirm_button(page).click()
    expect(page.get_by_text("The new total is £43.45.")).to_be_visible()
    page.locator(".notice").get_by_role("button", name="Order and pay £43.45").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert len(set(shop.keys)) == 2


def test_stock_that_is_gone_offers_what_is_left(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    short = {"productId": shop.products[0]["id"], "name": "Mug", "asked": 3, "available": 1}
    shop.refuse_next("confirm", Refused(409, "OUT_OF_STOCK", {"items": [short]}))
    confirm_button(page).click()
    expect(page.get_by_text("Mug: you asked for 3, 1 left")).to_be_visible()
    page.get_by_role("button", name="Take what is left").click()
    expect(confirm_button(page)).to_be_visible()


def test_unknown_coupon_is_refused_beside_its_field(page: Page) -> None:
    go_to_review(page)
    page.get_by_label("Discount code (optional)").fill("NOPE")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#coupon-error")).to_have_text("There is no such code.")
    expect(page.get_by_label("Discount code (optional)")).to_be_focused()


@pytest.mark.parametrize(
    ("code", "details", "said"),
    [
        ("COUPON_EXPIRED", {}, "This code is no longer valid."),
        ("COUPON_USED_UP", {}, "This code was used as often as it can be."),
        ("COUPON_MINIMUM_NOT_MET", {"minimumSubtotal": "50.00"}, "This code is for orders of £50.00 or more."),
        ("INVALID_INPUT", {"code": ["40 characters at most."]}, "40 characters at most."),
    ],
)
def test_each_refusal_of_a_coupon_has_its_text(
    page: Page, shop: StubShop, code: str, details: dict[str, object], said: str
) -> None:
    go_to_review(page)
    shop.refuse_next("apply_coupon", Refused(409, code, details))
    page.get_by_label("Discount code (optional)").fill("WELCOME10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#coupon-error")).to_have_text(said)


def test_coupon_that_other_lines_cost_is_told(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    page.get_by_label("Discount code (optional)").fill("WELCOME10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#coupon-applied")).to_be_visible()
    shop.minimum = 1000
    add_to_cart(page, "lamp")
    page.goto("/shop/checkout")
    expect(page.locator(".notice")).to_contain_text("The code WELCOME10 does not hold for your cart as it is now")


def test_too_many_orders_say_when_to_try_again(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.refuse_next("confirm", Refused(429, "RATE_LIMITED", wait=200))
    confirm_button(page).click()
    expect(page.locator(".notice")).to_contain_text("Please try again in 4 minutes.")
    page.locator(".notice").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert len(set(shop.keys)) == 1


def test_lapsed_checkout_can_be_started_again(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.refuse_next("confirm", Refused(409, "SESSION_EXPIRED"))
    confirm_button(page).click()
    with page.expect_response(re.compile("/api/v1/checkout/initiate")):
        page.get_by_role("button", name="Start checkout again").click()
    expect(page.get_by_label("E-mail")).to_have_value("ada@example.com")
    assert len(shop.bodies("/checkout/initiate")) == 2


def test_double_click_sends_one_order(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    confirm_button(page).dblclick()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert len(shop.bodies("/checkout/confirm-order")) == 1


def test_reload_before_the_answer_sends_the_same_key(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.refuse_next("confirm", Refused(503, "NOT_READY"))
    confirm_button(page).click()
    expect(page.get_by_text("The shop is not ready.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert len(shop.keys) == 2
    assert len(set(shop.keys)) == 1


def test_billing_away_leads_to_the_order_and_not_to_a_second_one(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    shop.place_order({"email": "ada@example.com", "shippingAddress": shop.checkout["shippingAddress"]}, shop.summary())
    shop.order["attempts"] = []
    details = {"order": shop.order, "orderToken": ORDER_TOKEN}
    shop.refuse_next("confirm", Refused(502, "BILLING_UNAVAILABLE", details))
    confirm_button(page).click()
    expect(page).to_have_url(re.compile(ORDER_PAGE))
    page.get_by_role("button", name="Pay now").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()


def test_checkout_goes_on_where_it_was_after_a_reload(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    page.reload()
    expect(confirm_button(page)).to_be_visible()
    assert len(shop.bodies("/checkout/initiate")) == 1


def test_country_without_delivery_is_said_beside_the_country(page: Page) -> None:
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    fill_address(page)
    page.get_by_label("Country").select_option("GL")
    page.get_by_role("button", name="Continue to delivery").click()
    expect(page.locator("#country-error")).to_have_text("We do not ship to this country.")
    expect(page.get_by_label("Country")).to_be_focused()


def test_product_that_is_not_sold_any_more_can_be_taken_out(page: Page, shop: StubShop) -> None:
    add_to_cart(page, "mug")
    add_to_cart(page, "lamp")
    shop.refuse_next("initiate", Refused(400, "INVALID_INPUT", {"cartItems": [shop.products[0]["id"]]}))
    page.goto("/shop/checkout")
    page.get_by_role("button", name="Take them out and go on").click()
    expect(page.locator("#summary-lines .mini-name")).to_have_count(1)


def test_coupon_that_lapsed_can_be_left_out(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    page.get_by_label("Discount code (optional)").fill("WELCOME10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#coupon-applied")).to_be_visible()
    shop.refuse_next("confirm", Refused(409, "COUPON_EXPIRED"))
    confirm_button(page).click()
    page.get_by_role("button", name="Go on without the code").click()
    expect(confirm_button(page)).to_have_text("Order and pay £32.45")

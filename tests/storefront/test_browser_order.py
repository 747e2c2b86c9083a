"""The order page in a real browser: the time left, paying, and every end that an order can come to."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import ORDER_PAGE, place_order
from tests.storefront.stub_account import Refused
from tests.storefront.stub_api import ORDER_ID, StubShop

pytestmark = pytest.mark.browser


def test_declined_payment_can_be_tried_again(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.decline()
    expect(page.get_by_text("The last payment was declined.")).to_be_visible()
    expect(page.locator("#attempts-left")).to_have_text("2 of 3 attempts left")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    assert shop.order["session"]["paymentAttempts"] == 2


def test_expired_order_refills_the_cart(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.close("expired", "expired")
    expect(page.locator("#order-title")).to_have_text("The time to pay has run out")
    page.get_by_role("button", name="Order again").click()
    expect(page.locator(".line-name")).to_have_text("Mug, hand made")


def test_cancelling_asks_first(page: Page, shop: StubShop) -> None:
    place_order(page)
    page.get_by_role("button", name="Cancel order").click()
    page.get_by_role("button", name="Keep it").click()
    assert shop.order["status"] == "pending"
    page.get_by_role("button", name="Cancel order").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.locator("#order-title")).to_have_text("This order was cancelled")


def test_time_left_is_said_once_a_minute_and_at_its_end(page: Page, shop: StubShop) -> None:
    place_order(page)
    expect(page.locator("#announcer")).to_have_text("13 minutes left to pay")
    shop.order["session"]["remainingSeconds"] = 61
    expect(page.locator("#announcer")).to_have_text("2 minutes left to pay")
    shop.order["session"]["remainingSeconds"] = 0
    expect(page.locator("#announcer")).to_have_text("The time to pay is over.")
    expect(page.locator("#countdown")).to_have_text("0:00")


def test_token_in_the_fragment_is_taken_out_of_the_address_and_sent(page: Page, shop: StubShop) -> None:
    place_order(page)
    page.evaluate("localStorage.clear()")
    page.goto("/shop/")
    with page.expect_request(re.compile(f"/api/v1/orders/{ORDER_ID}")) as asked:
        page.goto(f"{ORDER_PAGE}#token=from-the-mail")
    assert asked.value.headers["x-order-token"] == "from-the-mail"
    expect(page.locator("#order-title")).to_be_visible()
    assert "token" not in page.url


def test_order_of_somebody_else_is_not_shown(page: Page) -> None:
    page.goto(ORDER_PAGE)
    expect(page.get_by_text("This order cannot be shown in this browser.")).to_be_visible()


def test_attempt_that_is_still_open_is_paid_and_not_opened_twice(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.decline()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    details = {"paymentUrl": f"{shop.base}/pay"}
    shop.refuse_next("retry_payment", Refused(409, "PAYMENT_IN_PROGRESS", details))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()


def test_retry_that_billing_refuses_is_said_beside_the_button(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.decline()
    shop.refuse_next("retry_payment", Refused(502, "BILLING_UNAVAILABLE"))
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#pay-error")).to_contain_text("The payment service does not answer.")
    expect(page.get_by_role("button", name="Try again")).to_be_focused()

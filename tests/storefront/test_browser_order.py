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


def test_hours_are_shown_and_said_as_hours(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.order["session"] |= {"remainingSeconds": 86_390, "durationMinutes": 1_440}
    expect(page.locator("#countdown")).to_have_text(re.compile(r"23:59:\d\d"))
    expect(page.locator("#announcer")).to_have_text("Less than 24 hours left to pay")


def test_an_order_without_an_attempt_is_paid_not_tried_again(page: Page, shop: StubShop) -> None:
    """One that staff took by phone: its link leads here before anything was opened at billing."""
    place_order(page)
    shop.order["attempts"] = []
    shop.order["session"] |= {"paymentAttempts": 0, "canRetry": True}
    page.get_by_role("button", name="Pay now").click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()


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


def test_refused_retry_that_finds_an_open_payment_leaves_the_focus_on_it(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.decline()
    shop.refuse_next("retry_payment", Refused(409, "SESSION_NOT_ACTIVE"))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Try again").focus()
    shop.open_attempt()
    expect(page.get_by_role("link", name="Pay now")).to_be_focused()


def test_order_is_cancelled_by_keyboard_and_the_focus_goes_to_what_became_of_it(page: Page, shop: StubShop) -> None:
    place_order(page)
    page.get_by_role("link", name="Pay now").focus()
    for key in ("Tab", "Enter", "Tab", "Enter"):  # to the button, into the question, past "Keep it"
        page.keyboard.press(key)
    expect(page.locator("#order-title")).to_have_text("This order was cancelled")
    expect(page.locator("#order-title")).to_be_focused()


def test_changes_and_payments_are_told_in_their_order(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.decline()
    expect(page.locator(".story-row")).to_contain_text(["Order placed", "Payment 1 declined"])
    shop.open_attempt()
    shop.close("success", "completed")
    said = ["Order placed", "Payment 1 declined", "Payment 2 received", "Order paid"]
    expect(page.locator(".story-row")).to_contain_text(said)


def test_paid_order_says_where_its_parcel_is_and_what_was_sent_back(page: Page, shop: StubShop) -> None:
    place_order(page)
    sent_back = {"paymentStatus": "partly_refunded", "refundedAmount": "4.00"}
    shop.close("success", "completed", fulfillmentStatus="shipped", **sent_back)
    expect(page.locator("#fulfilment")).to_contain_text("Your order is on its way.")
    expect(page.locator("#order-refund")).to_have_text("£4.00 was sent back to you.")
    expect(page.locator("#order-summary")).to_contain_text("−£4.00")
    expect(page.locator("#order-address")).to_contain_text("Ada Byron")


def test_parcel_that_was_sent_can_be_followed(page: Page, shop: StubShop) -> None:
    place_order(page)
    parcel = {"carrier": "Royal Mail", "trackingNumber": "AB1", "trackingUrl": "https://track.example.com/AB1"}
    shop.close("success", "completed", fulfillmentStatus="shipped", **parcel)
    expect(page.locator("#fulfilment")).to_contain_text("Tracking: Royal Mail AB1")
    link = page.get_by_role("link", name="Follow the parcel")
    expect(link).to_have_attribute("href", "https://track.example.com/AB1")


def test_parcel_leads_to_no_address_but_of_the_web(page: Page, shop: StubShop) -> None:
    place_order(page)
    parcel = {"trackingNumber": "AB1", "trackingUrl": "javascript:alert(1)"}
    shop.close("success", "completed", fulfillmentStatus="shipped", **parcel)
    expect(page.locator("#fulfilment")).to_contain_text("Tracking: AB1")
    expect(page.get_by_role("link", name="Follow the parcel")).to_have_count(0)


def test_order_that_was_refunded_says_so_first(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.close("success", "completed", paymentStatus="refunded", refundedAmount=shop.order["summary"]["total"])
    expect(page.locator("#order-title")).to_have_text("This order was refunded")


def test_unpaid_order_has_neither_invoice_nor_parcel(page: Page, shop: StubShop) -> None:
    place_order(page)
    expect(page.get_by_role("link", name="Invoice")).to_be_hidden()
    expect(page.locator("#fulfilment")).to_be_hidden()


def test_order_that_may_no_longer_be_seen_is_taken_off_the_page(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.order = {}
    expect(page.get_by_text("This order cannot be shown in this browser.")).to_be_visible()
    expect(page.locator("#order")).to_be_hidden()


def test_order_that_is_not_found_offers_the_login_and_comes_back(page: Page, shop: StubShop) -> None:
    page.goto(ORDER_PAGE)
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    expect(page).to_have_url(re.compile(f"/shop/account/login\\?then=.*{ORDER_ID}"))

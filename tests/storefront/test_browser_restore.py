"""Reminders in the demo shop: the wish for one, and the link that brings the cart back in any browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import add_to_cart, fill_address, go_to_review
from tests.storefront.stub_account import Refused
from tests.storefront.stub_api import StubShop

pytestmark = pytest.mark.browser
LINK = "/shop/cart#restore="


def test_the_link_fills_the_cart_and_goes_on_to_checkout(page: Page, shop: StubShop) -> None:
    page.goto(f"{LINK}all")
    expect(page).to_have_url(re.compile("/shop/checkout$"))
    expect(page.locator("#summary-lines")).to_contain_text("Mug, hand made")
    expect(page.locator("#cart-count")).to_have_text("3")
    assert shop.bodies("/checkout/restore") == [{"token": "all"}]
    assert shop.bodies("/checkout/initiate") == []


def test_what_cannot_be_had_any_more_is_said_before_checkout(page: Page) -> None:
    page.goto(f"{LINK}in-part")
    expect(page.get_by_text("Your cart is back, but not all of it can still be had.")).to_be_visible()
    expect(page.get_by_text("Old vase: sold out")).to_be_visible()
    expect(page.locator("#cart-lines")).to_contain_text("Mug, hand made")
    expect(page).to_have_url(re.compile("/shop/cart$"))
    page.locator(".notice").get_by_role("link", name="Go to checkout").click()
    expect(page.locator("#summary-lines")).to_contain_text("Mug, hand made")


def test_what_was_in_the_cart_already_comes_along(page: Page, shop: StubShop) -> None:
    add_to_cart(page, "lamp")
    page.goto(f"{LINK}all")
    expect(page.locator("#summary-lines")).to_contain_text("Lamp, hand made")
    expect(page.locator("#summary-lines")).to_contain_text("Mug, hand made")
    assert len(shop.checkout["items"]) == 2


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refused(400, "INVALID_INPUT", {"token": ["Too old."]}), "This link is no longer valid. Please choose anew."),
        (Refused(409, "OUT_OF_STOCK", {"items": []}), "Nothing of this cart can still be had."),
    ],
)
def test_a_link_that_brings_nothing_offers_the_shop(page: Page, shop: StubShop, refusal: Refused, said: str) -> None:
    shop.refuse_next("restore", refusal)
    page.goto(f"{LINK}old")
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".notice").get_by_role("link", name="See the products")).to_be_visible()


def test_a_reminder_is_wanted_only_by_who_ticks_the_box(page: Page, shop: StubShop) -> None:
    go_to_review(page)
    sent = shop.bodies("/checkout/calculate-shipping")[0]
    assert (sent["remindMe"], "email" in sent) == (False, False)


def test_who_ticks_the_box_is_known_by_the_address(page: Page, shop: StubShop) -> None:
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    fill_address(page)
    page.get_by_label("Remind me once").check()
    page.get_by_role("button", name="Continue to delivery").click()
    expect(page.locator("#step-shipping-title")).to_be_focused()
    (body,) = shop.bodies("/checkout/calculate-shipping")
    assert (body["remindMe"], body["email"]) == (True, "ada@example.com")
    page.reload()
    page.get_by_role("button", name="Change").first.click()
    expect(page.get_by_label("Remind me once")).to_be_checked()

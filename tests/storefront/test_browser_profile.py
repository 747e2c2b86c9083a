"""The pages of an account in a real browser: profile, addresses, orders, own data."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import ORDER_PAGE, log_in, place_order
from tests.storefront.stub_account import EMAIL, HOME, PASSWORD, Refused
from tests.storefront.stub_api import StubShop

pytestmark = pytest.mark.browser


def changes(shop: StubShop) -> list[dict[str, object]]:
    return [body for method, path, body in shop.asked if (method, path) == ("PATCH", "/storefront/account")]


# Profile


def test_names_and_phone_are_saved(page: Page, shop: StubShop) -> None:
    log_in(page)
    expect(page.get_by_label("Last name")).to_have_value("Byron")
    page.get_by_label("Last name").fill("Lovelace")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#profile-done")).to_have_text("It is saved.")
    assert changes(shop) == [{"firstName": "Ada", "lastName": "Lovelace", "phone": "+44 20 7946 0000"}]
    page.get_by_label("Last name").fill("King")
    expect(page.locator("#profile-done")).to_be_empty()


def test_other_email_waits_for_its_proof(page: Page, shop: StubShop) -> None:
    log_in(page)
    form = page.locator("#email-form")
    form.get_by_label("New e-mail address").fill("ada@new.example")
    form.get_by_label("Present password").fill("wrong")
    form.get_by_role("button").click()
    expect(page.locator("#email-current-error")).to_have_text("This is not your password.")
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.locator("#email-done")).to_contain_text("look into the mail of ada@new.example")
    expect(page.locator("#account-email")).to_have_text(EMAIL)
    expect(page.locator("#account-pending")).to_contain_text("ada@new.example")
    expect(form.get_by_label("Present password")).to_have_value("")


def test_password_is_changed(page: Page, shop: StubShop) -> None:
    log_in(page)
    form = page.locator("#password-form")
    form.get_by_label("New password").fill("another horse 91")
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.locator("#password-done")).to_contain_text("Your password was changed.")
    assert shop.password == "another horse 91"


def test_login_that_ended_meanwhile_leads_to_the_login(page: Page, shop: StubShop) -> None:
    log_in(page)
    expect(page.get_by_label("Last name")).to_have_value("Byron")
    shop.logged_in = False
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("You are not logged in, or no longer.")).to_be_visible()
    page.locator(".notice").get_by_role("link", name="Log in").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


# Addresses


def fill_address(page: Page, postcode: str) -> None:
    for label, value in {"Address": "1 High Street", "City": "York", "Postcode": postcode}.items():
        page.get_by_label(label, exact=True).fill(value)


def test_address_is_added(page: Page, shop: StubShop) -> None:
    log_in(page, "/shop/account/addresses")
    expect(page.get_by_text("None yet.")).to_be_visible()
    fill_address(page, "YO1 7HH")
    page.get_by_label("Use as the default").check()
    page.get_by_role("button", name="Save the address").click()
    expect(page.locator(".address")).to_contain_text("Delivery · Default")
    expect(page.get_by_label("City")).to_have_value("")
    added = {"kind": "shipping", "line1": "1 High Street", "line2": "", "city": "York", "region": ""}
    rest = {"postalCode": "YO1 7HH", "country": "GB", "isDefault": True}
    assert changes(shop) == [{"addresses": [added | rest]}]


def test_refused_address_is_marked_in_the_form(page: Page, shop: StubShop) -> None:
    shop.account["addresses"] = [HOME]
    log_in(page, "/shop/account/addresses")
    expect(page.locator(".address")).to_have_count(1)
    fill_address(page, "?")
    page.get_by_role("button", name="Save the address").click()
    expect(page.locator("#postal-code-error")).to_have_text("Not a postcode.")
    expect(page.get_by_label("Postcode")).to_be_focused()


def test_one_address_of_a_kind_is_the_default(page: Page, shop: StubShop) -> None:
    bills = {**HOME, "kind": "billing"}
    shop.account["addresses"] = [HOME, {**HOME, "isDefault": False, "city": "York"}, bills]
    log_in(page, "/shop/account/addresses")
    page.get_by_role("button", name=re.compile("^Make default: .*York")).click()
    expect(page.locator(".address").nth(1)).to_contain_text("Default")
    expect(page.locator("#addresses-title")).to_be_focused()
    assert [address["isDefault"] for address in shop.account["addresses"]] == [False, True, True]


def test_address_is_changed_in_its_place_and_removed(page: Page, shop: StubShop) -> None:
    shop.account["addresses"] = [HOME, {**HOME, "isDefault": False, "city": "York"}]
    log_in(page, "/shop/account/addresses")
    page.get_by_role("button", name=re.compile("^Change: .*London")).click()
    expect(page.get_by_label("City")).to_have_value("London")
    page.get_by_label("City").fill("Bath")
    page.get_by_role("button", name="Save the address").click()
    expect(page.locator(".address").first).to_contain_text("Bath")
    assert shop.account["addresses"][0] == {**HOME, "city": "Bath"}
    page.get_by_role("button", name=re.compile("^Remove: .*Bath")).click()
    expect(page.locator(".address")).to_have_count(1)
    assert [address["city"] for address in shop.account["addresses"]] == ["York"]


# Orders


def test_own_orders_are_listed_and_lead_to_their_pages(page: Page, shop: StubShop) -> None:
    place_order(page)
    page.goto("/shop/orders")
    expect(page.locator(".order-row")).to_contain_text("Waiting for payment")
    expect(page.locator(".order-row")).to_contain_text("1 × Mug, hand made")
    expect(page.get_by_role("link", name=re.compile("Log in to see"))).to_be_visible()
    shop.close("success", "completed", fulfillmentStatus="shipped")
    log_in(page, "/shop/orders")
    expect(page.locator(".order-row")).to_contain_text("On its way")
    expect(page.get_by_role("link", name=re.compile("Log in to see"))).to_be_hidden()
    page.get_by_role("link", name="ORD-7K2M9QX4TB").click()
    expect(page).to_have_url(re.compile(ORDER_PAGE))


def test_more_orders_are_loaded_by_cursor(page: Page, shop: StubShop) -> None:
    place_order(page)
    shop.older_orders = [shop.order | {"number": "ORD-2"}]
    page.goto("/shop/orders")
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_role("link", name="ORD-2")).to_be_focused()
    expect(page.locator(".order-row")).to_have_count(2)
    expect(page.get_by_role("button", name="Load more")).to_be_hidden()


def test_list_without_orders_says_so(page: Page) -> None:
    page.goto("/shop/orders")
    expect(page.get_by_text("No orders yet.")).to_be_visible()


# Own data


def test_everything_held_is_saved_as_a_file(page: Page, tmp_path: Path) -> None:
    log_in(page, "/shop/account/data")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    saved.value.save_as(tmp_path / "account.json")
    assert saved.value.suggested_filename == "account.json"
    assert json.loads((tmp_path / "account.json").read_text())["held"]["customer"]["email"] == EMAIL
    expect(page.locator("#export-done")).not_to_be_empty()


def test_erasing_asks_for_the_password_and_says_what_is_lost(page: Page, shop: StubShop) -> None:
    log_in(page, "/shop/account/data")
    page.get_by_role("button", name="Erase my account").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot be delivered")
    dialog.get_by_label("Present password").fill("wrong")
    dialog.get_by_role("button", name="Yes, erase it").click()
    expect(page.locator("#erase-current-error")).to_have_text("This is not your password.")
    assert shop.logged_in
    dialog.get_by_label("Present password").fill(PASSWORD)
    dialog.get_by_role("button", name="Yes, erase it").click()
    expect(page.locator("#erased-title")).to_be_focused()
    expect(page.locator("#account-link")).to_have_text("Log in")
    assert not shop.logged_in


def test_erasing_that_is_refused_says_so_in_the_dialog(page: Page, shop: StubShop) -> None:
    log_in(page, "/shop/account/data")
    page.get_by_role("button", name="Erase my account").click()
    page.get_by_role("dialog").get_by_label("Present password").fill(PASSWORD)
    shop.refuse_next("erase", Refused(429, "RATE_LIMITED", wait=30))
    page.get_by_role("dialog").get_by_role("button", name="Yes, erase it").click()
    expect(page.locator("#erase-current-error")).to_contain_text("in 30 seconds")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_be_hidden()

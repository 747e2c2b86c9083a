"""Accounts in a real browser: registering, proving the address, logging in and out, a forgotten password."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.storefront.shopper import add_to_cart, log_in
from tests.storefront.stub_account import CSRF_TOKEN, EMAIL, HOME, MAIL_TOKEN, PASSWORD, Refused
from tests.storefront.stub_api import StubShop

pytestmark = pytest.mark.browser


def test_registering_ends_in_a_mail_and_logs_nobody_in(page: Page, shop: StubShop) -> None:
    page.goto("/shop/account/register")
    page.get_by_label("E-mail").fill("new@example.com")
    page.get_by_label("Password").fill(" correct horse ")
    page.get_by_role("button", name="Open an account").click()
    expect(page.locator("#mail-sent-title")).to_be_focused()
    expect(page.locator("#mail-sent-text")).to_contain_text("new@example.com")
    sent = shop.bodies("/storefront/auth/register")[0]
    assert sent == {"email": "new@example.com", "password": " correct horse ", "firstName": "", "lastName": ""}
    expect(page.locator("#account-link")).to_have_text("Log in")


def test_a_form_cannot_be_sent_before_its_script_is_there(page: Page, shop: StubShop) -> None:
    held: list[Route] = []
    page.route("**/login-page*.js", lambda route: held.append(route))
    page.goto("/shop/account/login", wait_until="commit")
    page.get_by_label("E-mail").fill(EMAIL)
    button = page.get_by_role("button", name="Log in")
    expect(button).to_be_disabled()
    page.keyboard.press("Enter")
    held[0].continue_()
    expect(button).to_be_enabled()
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)


def test_weak_password_is_refused_beside_its_field(page: Page) -> None:
    page.goto("/shop/account/register")
    page.get_by_label("E-mail").fill("new@example.com")
    page.get_by_label("Password").fill("short")
    page.keyboard.press("Enter")
    expect(page.locator("#password-error")).to_have_text("This password is too short.")
    expect(page.get_by_label("Password")).to_be_focused()


def test_link_proves_the_address_with_its_password(page: Page, shop: StubShop) -> None:
    page.goto(f"/shop/account/verify#{MAIL_TOKEN}")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#password-error")).to_contain_text("This is not the password that was chosen.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#link-done-title")).to_be_focused()
    assert shop.bodies("/storefront/auth/verify-email")[-1] == {"token": MAIL_TOKEN, "password": PASSWORD}


def test_token_of_a_link_is_in_no_address(page: Page, shop: StubShop) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"/shop/account/verify#{MAIL_TOKEN}")
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.url == f"{shop.base}/shop/account/verify"
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.get_by_role("button", name="Xác nhận")).to_be_visible()  # it is the other page now
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Xác nhận").click()
    expect(page.locator("#link-done")).to_be_visible()
    assert shop.bodies("/storefront/auth/verify-email")[0]["token"] == MAIL_TOKEN
    assert not [address for address in addresses if MAIL_TOKEN in address]


def test_link_that_is_over_offers_the_way_to_a_new_one(page: Page) -> None:
    page.goto("/shop/account/reset#used-before")
    page.get_by_label("New password").fill("another horse 91")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_text("This link is no longer valid")).to_be_visible()
    page.get_by_role("link", name="Send me a link").click()
    expect(page).to_have_url(re.compile("/shop/account/forgotten"))


def test_page_of_a_link_says_when_the_link_is_missing(page: Page) -> None:
    page.goto("/shop/account/verify")
    expect(page.get_by_text("This page is opened from a link")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_hidden()


def test_forgotten_password_says_the_same_to_everybody(page: Page, shop: StubShop) -> None:
    page.goto("/shop/account/forgotten")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.locator("#mail-sent-text")).to_contain_text("If nobody@example.com has an account")
    assert shop.mails == ["nobody@example.com"]


def test_new_password_by_the_link_ends_the_login(page: Page, shop: StubShop) -> None:
    log_in(page)
    page.goto(f"/shop/account/reset#{MAIL_TOKEN}")
    page.get_by_label("New password").fill("another horse 91")
    page.get_by_role("button", name="Save the password").click()
    expect(page.locator("#link-done-title")).to_be_focused()
    expect(page.locator("#account-link")).to_have_text("Log in")
    assert shop.password == "another horse 91"


def test_wrong_password_is_said_without_naming_which_was_wrong(page: Page) -> None:
    page.goto("/shop/account/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#password-error")).to_have_text(
        "This e-mail address and this password do not belong together."
    )
    expect(page.get_by_label("Password")).to_be_focused()


@pytest.mark.parametrize(("wait", "said"), [(1, "in 1 second."), (42, "in 42 seconds."), (241, "in 5 minutes.")])
def test_too_many_guesses_say_when_to_try_again(page: Page, shop: StubShop, wait: int, said: str) -> None:
    page.goto("/shop/account/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("wrong")
    shop.refuse_next("log_in", Refused(429, "RATE_LIMITED", wait=wait))
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".notice")).to_contain_text(f"Please try again {said}")
    expect(page.locator(".notice")).to_be_focused()


def test_every_page_shows_who_is_logged_in_until_they_log_out(page: Page, shop: StubShop) -> None:
    log_in(page)
    page.goto("/shop/")
    expect(page.get_by_role("link", name=f"Account of {EMAIL}")).to_have_text("Account")
    page.get_by_role("link", name=f"Account of {EMAIL}").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{shop.base}/shop/")
    expect(page.locator("#account-link")).to_have_text("Log in")
    assert shop.logged_in is False


LATE_ANSWER = """
(() => {
  const real = window.fetch, keep = Storage.prototype.setItem;
  let release;
  const loggedIn = new Promise((done) => { release = done; });
  window.fetch = async (address, options) => {
    const answer = await real(address, options);
    if (location.pathname.endsWith("/login") && String(address).endsWith("/account")) await loggedIn;
    return answer;
  };
  Storage.prototype.setItem = function (name, value) {
    keep.call(this, name, value);
    if (name.includes("loggedIn")) release();
  };
})();
"""
"""Who is logged in, asked before the login, is answered right after it."""


def test_an_answer_from_before_the_login_does_not_end_it(page: Page) -> None:
    page.add_init_script(LATE_ANSWER)
    log_in(page, then="/shop/")
    expect(page.locator("#account-link")).to_have_text("Account")


def test_login_that_ended_elsewhere_is_noticed(page: Page, shop: StubShop) -> None:
    log_in(page)
    shop.logged_in = False
    page.goto("/shop/")
    expect(page.locator("#account-link")).to_have_text("Log in")


def test_guests_are_not_asked_who_they_are(page: Page, shop: StubShop) -> None:
    page.goto("/shop/")
    expect(page.locator(".card").first).to_be_visible()
    assert shop.bodies("/storefront/account") == []


def test_what_was_typed_and_bought_is_forgotten_at_logout(page: Page) -> None:
    page.goto("/shop/")
    page.evaluate("localStorage.setItem('shop.orderTokens', '{\"1\": \"token\"}')")
    page.evaluate("sessionStorage.setItem('shop.address', '{\"email\": \"x\"}')")
    log_in(page)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/shop/")
    assert page.evaluate("localStorage.getItem('shop.orderTokens')") is None
    assert page.evaluate("sessionStorage.getItem('shop.address')") is None


def test_page_of_an_account_asks_for_the_login_and_comes_back(page: Page) -> None:
    page.goto("/shop/account/addresses")
    page.wait_for_url("**/shop/account/login?then=%2Fshop%2Faccount%2Faddresses")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Your addresses")).to_be_visible()


@pytest.mark.parametrize("then", ["https://elsewhere.example/shop/", "//elsewhere.example", "/shop/../admin/", "["])
def test_login_leads_to_pages_of_the_shop_only(page: Page, shop: StubShop, then: str) -> None:
    shop.logged_in = True
    page.goto(f"/shop/account/login?then={then}")
    page.wait_for_url(f"{shop.base}/shop/account")


def test_csrf_token_comes_from_the_account_and_is_renewed_when_it_is_old(page: Page, shop: StubShop) -> None:
    log_in(page)
    page.context.add_cookies([{"name": "csrftoken", "value": "of-another-login", "url": shop.base}])
    expect(page.get_by_label("Phone (optional)")).to_have_value("+44 20 7946 0000")
    page.context.clear_cookies(name="csrftoken")
    with page.expect_request(lambda request: request.method == "PATCH") as asked:
        page.get_by_role("button", name="Save").click()
    assert asked.value.headers["x-csrftoken"] == CSRF_TOKEN
    shop.refuse_next("change_account", Refused(403, "CSRF_FAILED"))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#profile-done")).to_have_text("It is saved.")


def test_checkout_is_filled_in_from_the_default_address(page: Page, shop: StubShop) -> None:
    other = {**HOME, "isDefault": False, "city": "York"}
    shop.account["addresses"] = [{**HOME, "kind": "billing", "city": "Leeds"}, other, {**HOME, "country": "IE"}]
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    page.get_by_role("link", name=re.compile("Then log in")).click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()  # the checkout has a field for an e-mail, too
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"You are logged in as {EMAIL}.")).to_be_visible()
    expect(page.get_by_label("City")).to_have_value("London")
    expect(page.get_by_label("Country")).to_have_value("IE")
    expect(page.get_by_label("First name")).to_have_value("Ada")
    page.get_by_role("button", name="Continue to delivery").click()
    expect(page.locator("#step-shipping-title")).to_be_focused()

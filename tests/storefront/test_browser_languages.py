"""Both languages in a real browser: no page says anything in the other one."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.shopper import COUNT_QUESTIONS, INVOICE_PAGE, ORDER_PAGE, add_to_cart, open_wholly, place_order
from tests.storefront.stub_account import HOME, MAIL_TOKEN, Refused
from tests.storefront.stub_api import StubShop

pytestmark = pytest.mark.browser

ACCOUNT_PAGES = [
    "",
    "/addresses",
    "/data",
    "/login",
    "/register",
    "/forgotten",
    f"/verify#{MAIL_TOKEN}",
    "/reset#token",
]
PAGES = [
    *("/shop/", "/shop/?search=nothing", "/shop/products/mug", "/shop/products/candle", "/shop/cart", "/shop/checkout"),
    *("/shop/orders", ORDER_PAGE, INVOICE_PAGE),
    *(f"/shop/account{page}" for page in ACCOUNT_PAGES),
]
FOREIGN_TEXTS = """async ([own, other]) => {
  const said = async (language) => {
    const files = ["messages", "messages-account"].map((part) => `/static/storefront/js/${part}-${language}.js`);
    const parts = files.map((file) => import(file));
    return new Set((await Promise.all(parts)).flatMap(({ messages }) => Object.values(messages)));
  };
  const [mine, theirs] = [await said(own), await said(other)];
  const texts = [document.title.split(" · ")[0]];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode.textContent.trim());
  for (const node of document.querySelectorAll("[aria-label]")) texts.push(node.getAttribute("aria-label"));
  return texts.filter((text) => theirs.has(text) && !mine.has(text));
}"""


@pytest.mark.parametrize(("language", "other"), [("vi", "en"), ("en", "vi")])
def test_every_page_speaks_one_language(page: Page, shop: StubShop, language: str, other: str) -> None:
    page.add_init_script(COUNT_QUESTIONS)
    place_order(page)
    add_to_cart(page, "lamp")
    shop.account["addresses"] = [HOME]
    for address in PAGES:
        shop.logged_in = "/log" not in address
        open_wholly(page, with_language(address, language))
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert page.evaluate(FOREIGN_TEXTS, [language, other]) == [], address


def with_language(address: str, language: str) -> str:
    path, mark, token = address.partition("#")
    return f"{path}{'&' if '?' in path else '?'}lang={language}{mark}{token}"


@pytest.mark.parametrize(
    ("language", "button", "said"),
    [("English", "Log in", "in 42 seconds"), ("Tiếng Việt", "Đăng nhập", "sau 42 giây")],
)
def test_choice_is_kept_and_refusals_follow_it(
    page: Page, shop: StubShop, language: str, button: str, said: str
) -> None:
    page.goto("/shop/")
    page.get_by_role("link", name=language).click()
    page.wait_for_url("**/shop/?lang=*")
    page.goto("/shop/account/login")
    expect(page.get_by_role("link", name=language)).to_have_attribute("aria-current", "true")
    page.locator("#email").fill("ada@example.com")
    page.locator("#password").fill("x")
    shop.refuse_next("log_in", Refused(429, "RATE_LIMITED", wait=42))
    with page.expect_request(re.compile("/auth/login")) as asked:
        page.get_by_role("button", name=button).click()
    assert asked.value.headers["accept-language"] == ("vi" if language == "Tiếng Việt" else "en")
    expect(page.locator(".notice")).to_contain_text(said)

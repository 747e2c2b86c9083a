"""What a shopper does in the demo shop, for the browser tests."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.storefront.stub_account import EMAIL, PASSWORD
from tests.storefront.stub_api import ORDER_ID

ORDER_PAGE = f"/shop/orders/{ORDER_ID}"
ADDRESS = {
    "E-mail": "ada@example.com",
    "First name": "Ada",
    "Last name": "Byron",
    "Address": "12 St James's Square",
    "City": "London",
    "Postcode": "SW1Y 4JH",
}


def add_to_cart(page: Page, slug: str) -> None:
    page.goto(f"/shop/products/{slug}")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#added")).to_be_visible()


def fill_address(page: Page) -> None:
    for label, value in ADDRESS.items():
        page.get_by_label(label, exact=True).fill(value)


def go_to_review(page: Page) -> None:
    add_to_cart(page, "mug")
    page.goto("/shop/checkout")
    fill_address(page)
    page.get_by_role("button", name="Continue to delivery").click()
    page.get_by_role("button", name="Continue to review").click()
    expect(confirm_button(page)).to_be_visible()


def confirm_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("Order and pay"))


def place_order(page: Page) -> None:
    """Orders a mug and comes back from the pay page to the order."""
    go_to_review(page)
    confirm_button(page).click()
    expect(page.get_by_role("heading", name="Pay page")).to_be_visible()
    page.goto(ORDER_PAGE)
    expect(page.locator("#order-title")).to_have_text("One step left: the payment")


def log_in(page: Page, then: str = "/shop/account") -> None:
    """Logs Ada in, and waits for the page after it."""
    page.goto(f"/shop/account/login?then={then}")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(f"^[^?]*{then}$"))

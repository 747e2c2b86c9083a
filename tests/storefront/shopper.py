"""What a shopper does in the demo shop, for the browser tests."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.storefront.stub_account import EMAIL, PASSWORD
from tests.storefront.stub_api import METHODS, ORDER_ID, ORDER_TOKEN

WHOLLY_SHOWN = """async () => {
    while (document.readyState !== "complete" || unanswered > 0) await new Promise(requestAnimationFrame);
}"""
COUNT_QUESTIONS = """
    window.unanswered = 0;
    const ask = window.fetch;
    window.fetch = async (...question) => {
        unanswered++;
        try {
            const answer = await ask(...question);
            await answer.clone().text();
            return answer;
        } finally {
            setTimeout(() => requestAnimationFrame(() => unanswered--), 50);
        }
    };
"""
"""Of the questions to the API, those whose answer is not shown yet. It is a moment after it has come: what a page asks
next it asks at once.
"""
ORDER_PAGE = f"/shop/orders/{ORDER_ID}"
INVOICE_PAGE = f"{ORDER_PAGE}/invoice"
ADDRESS = {
    "E-mail": "ada@example.com",
    "First name": "Ada",
    "Last name": "Byron",
    "Address": "12 St James's Square",
    "City": "London",
    "Postcode": "SW1Y 4JH",
}
SHIPPING_ADDRESS = {
    "line1": ADDRESS["Address"],
    "line2": "",
    "city": ADDRESS["City"],
    "region": "",
    "postalCode": ADDRESS["Postcode"],
    "country": "GB",
}


def open_wholly(page: Page, address: str) -> None:
    """Opens a page and waits until it shows all that it asked for, in a tab that counts it (`COUNT_QUESTIONS`)."""
    page.goto(address)
    page.evaluate(WHOLLY_SHOWN)


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
    """Opens the page of an order of a mug by the link of its mail; nothing was clicked for it (`test_browser` does)."""
    order_mug(page)
    open_order(page)
    expect(page.locator("#order-title")).to_have_text("One step left: the payment")


def order_mug(page: Page) -> None:
    """Orders a mug of the API, whatever page is open."""
    mug = call(page, "GET", "/storefront/products/mug")["id"]
    call(page, "POST", "/checkout/initiate", cartItems=[{"productId": mug, "quantity": 1}])
    where = {"shippingAddress": SHIPPING_ADDRESS}
    call(page, "POST", "/checkout/calculate-shipping", **where)
    chosen = call(page, "POST", "/checkout/calculate-shipping", **where, shippingMethodId=METHODS[0]["id"])
    buyer = {"email": ADDRESS["E-mail"], "firstName": ADDRESS["First name"], "lastName": ADDRESS["Last name"]}
    call(page, "POST", "/checkout/confirm-order", **where, **buyer, expectedTotal=chosen["summary"]["total"])


def open_order(page: Page) -> None:
    """Follows the link of the order's mail."""
    page.goto(f"{ORDER_PAGE}#token={ORDER_TOKEN}")


def call(page: Page, method: str, path: str, **body: Any) -> Any:
    """What the API answers."""
    return page.request.fetch(f"/api/v1{path}", method=method, data=body or None).json()["data"]


def log_in(page: Page, then: str = "/shop/account") -> None:
    """Logs Ada in, and waits for the page after it."""
    page.goto(f"/shop/account/login?then={then}")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(f"^[^?]*{then}$"))

"""An order by phone as staff take it in a browser, and as the shopper then pays it by its link."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from orders.models import Order
from orders.providers import calls
from tests.analytics.staff import member
from tests.billing_sandbox.conftest import wait_for_webhooks
from tests.billing_server import close_client
from tests.browsers import CHROME
from tests.factories import PASSWORD, CouponFactory, ShippingMethodFactory
from tests.sessions_app.tracker.visitor import launched
from tests.world import World, check_books

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = 15_000
FIELDS = {
    "First name": "Ada",
    "Last name": "Byron",
    "E-mail": "ada@example.com",
    "Phone": "020 7946 0000",
    "Address": "1 High Street",
    "Postcode": "N1 1AA",
    "City": "London",
}


@pytest.fixture
def shop(live_server: LiveServer, settings: LazySettings) -> Iterator[str]:
    """A shop that answers over HTTP, with the sandbox as its billing service."""
    settings.BILLING_URL = settings.PUBLIC_URL = live_server.url
    settings.BILLING_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/v1/billing/webhook"
    settings.BILLING_RETURN_URL = f"{live_server.url}/shop/orders/{{order_id}}"
    calls.client.cache_clear()
    calls.client()
    yield live_server.url
    wait_for_webhooks()
    close_client()


def tab(browser: Browser, shop: str, width: int = 1440) -> Page:
    """A tab in a browser that has never been here."""
    context = browser.new_context(
        base_url=shop, viewport={"width": width, "height": 900}, locale="en-GB", user_agent=CHROME
    )
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def sign_in(page: Page, email: str) -> None:
    page.goto("/admin/")
    page.locator("[name=username]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("[name=password]")).to_have_count(0)


def pick(page: Page, row: int, typed: str, found: str, quantity: int) -> None:
    """Searches for a product as one types, takes it, says how many."""
    page.locator(f"[name=lines-{row}-product] + .select2 .select2-selection").click()
    page.locator(".select2-search__field").fill(typed)
    page.locator(".select2-results__option", has_text=found).click()
    page.locator(f"[name=lines-{row}-quantity]").fill(str(quantity))


def fill_in(page: Page) -> None:
    for label, text in FIELDS.items():
        page.get_by_label(label).and_(page.locator("input")).first.fill(text)
    page.locator("[name=country] + .select2 .select2-selection").click()
    page.locator(".select2-search__field").fill("United King")
    page.locator(".select2-results__option", has_text="United Kingdom").first.click()


@pytest.mark.parametrize("width", [1440, 390])
def test_staff_take_an_order_and_the_shopper_pays_it(width: int, shop: str, world: World, chromium_path: str) -> None:
    CouponFactory.create(code="TEN")
    express = ShippingMethodFactory.create(zone=world.method.zone, name="Express", price=18)
    staff = member("orders.add_order", "orders.view_order")
    with launched(chromium_path) as browser:
        page = tab(browser, shop, width)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_in(page, staff.email)
        page.goto("/admin/orders/order/")
        if width < 500:
            page.get_by_text("more_horiz").click()
        page.get_by_role("link", name="New order by phone").click()
        pick(page, 0, "mu", "Mug · ", 2)
        pick(page, 1, world.tea.sku, "Tea · ", 11)
        fill_in(page)
        page.get_by_label("Coupon").fill("ten")
        page.get_by_role("button", name="Work out totals").click()
        expect(page.get_by_text("Only 10 left.")).to_be_visible()
        page.locator("[name=lines-1-quantity]").fill("1")
        page.get_by_role("button", name="Work out totals").click()
        expect(page.get_by_role("button", name="Place order for £55.05")).to_be_visible()
        page.get_by_label("Express, £18.00").check()
        page.get_by_role("button", name="Work out totals").last.click()
        page.get_by_role("button", name="Place order for £63.85").click()
        link = page.get_by_label("Link to pay").input_value()
        assert "token" not in page.url
        pay(tab(browser, shop, width), link)
        assert complaints == []
    order = Order.objects.get()
    assert (order.status, order.total, order.shipping_method) == ("success", Decimal("63.85"), express.name)
    assert order.history.filter(actor=staff.email).exists()
    check_books()


def pay(page: Page, link: str) -> None:
    """What the shopper does with the link."""
    page.goto(link)
    page.get_by_role("button", name="Pay now").click()
    page.get_by_role("button", name="Pay 63.85").click()
    expect(page.locator("#order-title")).to_have_text("Thank you. It is paid.")

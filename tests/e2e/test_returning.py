"""Shoppers come back to their orders, in a browser that has never been here: by a mail's link, or by their account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core.clock import now
from orders.models import Order
from orders.services import expire_order
from tests.billing_server import BillingService
from tests.customers.member import account, mails
from tests.e2e.conftest import tab
from tests.factories import PASSWORD
from tests.sessions_app.tracker.visitor import launched
from tests.world import Shopper, World, attempt_of, report, window_ends

pytestmark = pytest.mark.browser
IN_SIGHT = "() => [...document.querySelectorAll('header, nav, footer, button')].some((node) => node.checkVisibility())"


@pytest.fixture
def shop(transactional_db: None, live_server: LiveServer, settings: LazySettings) -> str:
    """The address of a real shop, which mails name too."""
    settings.BILLING_RETURN_URL = f"{live_server.url}/shop/orders/{{order_id}}"
    address: str = live_server.url
    return address


@contextmanager
def newcomer(chromium_path: str, shop: str) -> Iterator[Page]:
    """A tab of a browser that was never here. While it is open the database is out of reach of the test."""
    with launched(chromium_path) as browser, tab(browser, shop) as page:
        yield page


def mailed_link() -> str:
    """The link to the order in the newest mail."""
    found = re.search(r"\S+/shop/orders/\S+#token=\S+", mails()[-1].body)
    assert found is not None
    return found.group()


def paid_order(world: World, shopper: Shopper) -> Order:
    """Two mugs, paid."""
    order = shopper.order(world, (world.mug, 2))
    report(attempt_of(order), "success")
    return order


def expect_invoice(page: Page, order: Order) -> None:
    """From the order's page to its invoice, and that on paper."""
    expect(page.locator("#order-title")).to_have_text("Thank you. It is paid.")
    page.get_by_role("link", name="Invoice").click()
    expect(page.locator("#invoice-number")).to_have_text(order.number)
    expect(page.locator("#invoice-items td").last).to_have_text("£40.00")
    expect(page.locator("#invoice-sums .total")).to_have_text("Total£55.00")
    page.emulate_media(media="print")
    assert page.evaluate(IN_SIGHT) is False


def test_the_link_of_a_mail_leads_to_order_and_invoice(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = paid_order(world, shopper)
    link = mailed_link()
    asked: list[str] = []
    with newcomer(chromium_path, shop) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(link)
        expect_invoice(page, order)
        assert page.url == f"{shop}/shop/orders/{order.id}/invoice"
    token = link.split("#token=")[1]
    assert [address for address in asked if token in address.split("#")[0]] == []


def test_the_account_leads_to_orders_and_invoice(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = paid_order(world, shopper)
    account(shopper.email)
    with newcomer(chromium_path, shop) as page:
        page.goto(f"/shop/orders/{order.id}")
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        page.get_by_label("E-mail").fill(shopper.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#order-number")).to_have_text(order.number)
        page.get_by_role("link", name="Your orders").click()
        page.get_by_role("link", name=order.number).click()
        expect_invoice(page, order)


def test_another_account_does_not_find_the_order(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = paid_order(world, shopper)
    account("grace@example.com")
    with newcomer(chromium_path, shop) as page:
        page.goto(f"/shop/account/login?then=/shop/orders/{order.id}/invoice")
        page.get_by_label("E-mail").fill("grace@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("This order cannot be shown in this browser.")).to_be_visible()
        expect(page.locator("#invoice")).to_be_hidden()


def test_an_order_that_is_cancelled_by_its_link_is_ordered_again(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = shopper.order(world, (world.mug, 2))
    link = mailed_link()
    with newcomer(chromium_path, shop) as page:
        page.goto(link)
        page.get_by_role("button", name="Cancel order").click()
        page.get_by_role("button", name="Yes, cancel").click()
        expect(page.locator("#order-title")).to_have_text("This order was cancelled")
        page.get_by_role("button", name="Order again").click()
        expect(page.locator(".line-name")).to_have_text("Mug")
        expect(page.get_by_label("Quantity of Mug")).to_have_value("2")
    order.refresh_from_db()
    assert order.status == "cancelled"


def test_a_declined_payment_is_tried_again_by_the_link(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = shopper.order(world)
    link = mailed_link()
    report(attempt_of(order), "failure")
    with newcomer(chromium_path, shop) as page:
        page.goto(link)
        expect(page.locator("#countdown")).to_have_text(re.compile(r"^1[45]:\d\d$"))
        page.route("**/p/**", lambda route: route.fulfill(body="The pay page"))
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("The pay page")).to_be_visible()
    assert attempt_of(order, 2).status == "open"


def test_an_expired_order_is_ordered_again_by_its_link(
    shop: str, world: World, billing: BillingService, shopper: Shopper, chromium_path: str
) -> None:
    order = shopper.order(world)
    link = mailed_link()
    window_ends(order)
    expire_order(order_id=order.id, now=now())
    with newcomer(chromium_path, shop) as page:
        page.goto(link)
        expect(page.locator("#order-title")).to_have_text("The time to pay has run out")
        page.get_by_role("button", name="Order again").click()
        expect(page.locator(".line-name")).to_have_text("Mug")

"""What an owner and a shopper do, in a browser, with a shop that runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Page

from tests.e2e.conftest import RunningShop

PAGE = """<!doctype html><html lang="en"><head><title>Our old page</title><link rel="icon" href="data:,">
<script defer src="{shop}/tracker.js"></script></head><body><h1>Our old page</h1></body></html>"""
FIELDS = {"First name": "Ada", "Last name": "Byron", "Address": "1 High Street", "City": "London", "Postcode": "N1 1AA"}


class Handler(BaseHTTPRequestHandler):
    """One page, whatever is asked for."""

    def __init__(self, *given: Any, page: str) -> None:
        self.page = page.encode()
        super().__init__(*given)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what went wrong."""


@contextmanager
def page_of_ours(shop: RunningShop) -> Iterator[str]:
    """The owner's own page, with the script tag, at the origin that the shop was told of."""
    port = urlsplit(shop.pages).port
    server = ThreadingHTTPServer(("127.0.0.1", port or 0), partial(Handler, page=PAGE.format(shop=shop.base)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield shop.pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sign_in(staff: Page) -> None:
    staff.goto("/admin/")
    staff.locator("[name=username]").fill("staff@example.com")
    staff.locator("[name=password]").fill("footfall-demo")
    staff.keyboard.press("Enter")
    staff.get_by_role("link", name="28 days").wait_for()


def buy_one(page: Page, email: str) -> tuple[str, Decimal]:
    """A candle, ordered and paid; the order's number and its total."""
    page.goto("/shop/")
    page.get_by_role("link", name="Beeswax candle").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.locator("#added").wait_for()
    page.goto("/shop/checkout")
    for label, value in (FIELDS | {"E-mail": email}).items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Continue to delivery").click()
    page.get_by_role("button", name="Continue to review").click()
    page.get_by_role("button", name=re.compile("Order and pay")).click()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("heading", name="Thank you. It is paid.").wait_for()
    number = re.search(r"ORD-\w{10}", page.inner_text("main"))
    assert number is not None
    return number.group(), amount(page.locator(".total").last.inner_text().removeprefix("Total").strip())


def open_order(staff: Page, number: str) -> None:
    staff.goto(f"/admin/orders/order/?q={quote(number)}")
    staff.get_by_role("link", name=number).first.click()
    staff.get_by_role("heading", name="Timeline").wait_for()
    staff.wait_for_load_state()  # its menus open then


def refund(staff: Page, back: str) -> None:
    """By the button on the order's page."""
    staff.get_by_text(re.compile(r"\bMore\b")).click()
    staff.locator("a[href*='/orders/order/'][href$='/refund/']:visible").last.click()
    staff.get_by_label("An amount").check()
    staff.locator("[name=amount]").fill(back)
    staff.locator("[name=reason]").fill("broken on arrival")
    staff.get_by_role("button", name="Refund").click()
    staff.get_by_text("The money goes back.").first.wait_for()


@dataclass(frozen=True)
class Money:
    """Of a day."""

    sales: Decimal
    refunds: Decimal


def money_of_today(staff: Page) -> Money:
    """What the dashboard says of it, counted anew."""
    staff.goto("/admin/?period=today&whole")
    return Money(*(part_of_sales(staff, part) for part in ("Sales", "Refunds")))


def part_of_sales(staff: Page, part: str) -> Decimal:
    row = staff.locator("tr", has=staff.get_by_role("rowheader", name=part, exact=True))
    return amount(row.locator("td").first.inner_text())


def amount(text: str) -> Decimal:
    """£1,234.00 as a number."""
    return Decimal(re.sub("[£,]", "", text))


def eventually(ask: Callable[[], object], *, seconds: float = 20) -> object:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer

"""A purchase, for real: in a browser and by the API, against the shop that `make run` starts."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import CHROME
from tests.e2e.conftest import RunningShop

pytestmark = [pytest.mark.browser, pytest.mark.shop]
ADDRESS = {"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"}


@pytest.fixture(params=[(1280, 900), (360, 740)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, whole_shop: RunningShop) -> Iterator[Page]:
    """A shopper's tab. Any script error fails the test."""
    width, height = request.param
    context = browser.new_context(
        base_url=whole_shop.base, viewport={"width": width, "height": height}, locale="en-GB", user_agent=CHROME
    )
    context.set_default_timeout(15_000)
    errors: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def buy(page: Page, campaign: str) -> None:
    """From a newsletter's link to the pay page: consent, two products, a coupon."""
    page.goto(f"/shop/?utm_source=newsletter&utm_medium=email&utm_campaign={campaign}")
    page.get_by_role("button", name="Yes, count it").click()
    for product in ("Beeswax candle", "Wall clock, birch"):
        page.goto("/shop/")
        page.get_by_role("link", name=product).first.click()
        page.get_by_role("button", name="Add to cart").click()
        expect(page.locator("#added")).to_be_visible()
    page.goto("/shop/checkout")
    fields = {"E-mail": "ada@example.com", "First name": "Ada", "Last name": "Byron", "Address": "1 High Street"}
    for label, value in (fields | {"City": "London", "Postcode": "N1 1AA"}).items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Continue to delivery").click()
    page.get_by_role("button", name="Continue to review").click()
    page.get_by_label("Discount code (optional)").fill("welcome10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#summary")).to_contain_text("−£6.60")
    page.get_by_role("button", name=re.compile("Order and pay")).click()
    expect(page.get_by_role("button", name=re.compile("^Pay"))).to_be_visible()


def test_visit_to_paid_order_to_dashboard(page: Page, browser: Browser, whole_shop: RunningShop) -> None:
    campaign = f"november-{uuid4().hex[:8]}"
    staff = browser.new_context(base_url=whole_shop.base, user_agent=CHROME).new_page()
    sign_in(staff)
    before = paid_today(staff)
    buy(page, campaign)
    page.get_by_role("button", name=re.compile("Decline")).click()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.locator("#order-title")).to_have_text("Thank you. It is paid.")
    number = re.search(r"ORD-\w{10}", page.inner_text("main"))
    assert number is not None
    assert eventually(lambda: converted_visits(staff, campaign) == 1)
    check_order(staff, number.group())
    assert paid_today(staff) == before + 1
    staff.context.close()


def sign_in(staff: Page) -> None:
    staff.goto("/admin/")
    staff.locator("[name=username]").fill("staff@example.com")
    staff.locator("[name=password]").fill("footfall-demo")
    staff.keyboard.press("Enter")
    expect(staff.get_by_role("link", name="28 days")).to_be_visible()


def converted_visits(staff: Page, campaign: str) -> int:
    """What staff find of the campaign's visits that bought; there within the second that a flush takes."""
    staff.goto(f"/admin/sessions_app/visitorsession/?utm_campaign={campaign}&converted__exact=1")
    return staff.locator("#result_list tbody tr").count()


def check_order(staff: Page, number: str) -> None:
    staff.goto(f"/admin/orders/order/?q={number}")
    staff.get_by_role("link", name=number).first.click()
    expect(staff.locator("body")).to_contain_text("welcome10".upper())


def paid_today(staff: Page) -> int:
    """The orders on the dashboard of today, counted anew."""
    staff.goto("/admin/?period=today&whole")
    card = staff.locator("[aria-describedby=ff-tip-orders] .ff-card-value")
    return int(card.inner_text().replace(",", ""))


def eventually(ask: Callable[[], object], *, seconds: float = 20) -> object:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


class Shopper:
    """Somebody who buys by the API."""

    def __init__(self, shop: RunningShop) -> None:
        self.http = httpx2.Client(base_url=shop.base, headers={"User-Agent": CHROME}, timeout=20)

    def post(self, path: str, body: object = None, **headers: str) -> dict[str, object]:
        answer = self.http.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        data: dict[str, object] = answer.json()["data"]
        return data

    def status(self, order_id: object) -> str:
        return str(self.http.get(f"/api/v1/orders/{order_id}").json()["data"]["status"])

    def initiate(self) -> object:
        products = self.http.get("/api/v1/storefront/products?search=mug").json()["data"]["items"]
        items = [{"productId": product["id"], "quantity": 1} for product in products]
        return self.post("checkout/initiate", {"cartItems": items})["checkoutId"]

    def confirm(self, checkout_id: object) -> dict[str, object]:
        shipping = self.post("checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": ADDRESS})
        buyer = {"email": "grace@example.com", "firstName": "Grace", "lastName": "Hopper", "shippingAddress": ADDRESS}
        choice = {"checkoutId": checkout_id, "shippingMethodId": shipping["shippingMethodId"]}
        return self.post("checkout/confirm-order", buyer | choice, **{"Idempotency-Key": str(uuid4())})

    def pay(self, confirmed: dict[str, object]) -> None:
        payment = confirmed["payment"]
        assert isinstance(payment, dict)
        assert self.http.post(payment["paymentUrl"], data={"action": "pay"}).status_code == 302


@pytest.fixture
def shopper(whole_shop: RunningShop) -> Iterator[Shopper]:
    buyer = Shopper(whole_shop)
    yield buyer
    buyer.http.close()


def order_id_of(confirmed: dict[str, object]) -> object:
    order = confirmed["order"]
    assert isinstance(order, dict)
    return order["orderId"]


def test_a_purchase_survives_the_death_of_worker_and_redis(whole_shop: RunningShop, shopper: Shopper) -> None:
    checkout_id = shopper.initiate()
    whole_shop.kill("valkey-server")
    whole_shop.kill("celery", "payments")
    confirmed = shopper.confirm(checkout_id)
    shopper.pay(confirmed)
    assert eventually(lambda: shopper.status(order_id_of(confirmed)) == "success")


def test_a_dropped_webhook_is_made_up_for_by_the_poll(whole_shop: RunningShop, shopper: Shopper) -> None:
    switch_webhooks(shopper.http, "drop")
    try:
        confirmed = shopper.confirm(shopper.initiate())
        shopper.pay(confirmed)
        assert eventually(lambda: shopper.status(order_id_of(confirmed)) == "success", seconds=30)
    finally:
        switch_webhooks(shopper.http, "send")


def switch_webhooks(http: httpx2.Client, choice: str) -> None:
    """Turns the sandbox's switch as a person would, by its form."""
    form = http.get("/billing/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token is not None
    switches = {"webhooks": choice, "latency_ms": "0", "error_percent": "0", "csrfmiddlewaretoken": token.group(1)}
    assert http.post("/billing/", data=switches).status_code == 302


def raw_answer(shop: RunningShop, *headers: bytes, body: bytes = b'{"eventType": "page_view"}') -> tuple[int, str]:
    """Status and body of an event sent as bytes that no client would send."""
    address = urlsplit(shop.base)
    lines = [b"POST /api/v1/analytics/track HTTP/1.0", b"Host: localhost", b"Content-Type: application/json"]
    lines += [b"Content-Length: %d" % len(body), *headers, b"", b""]
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        with suppress(ConnectionError):  # it need not read all of what it refuses
            connection.sendall(b"\r\n".join(lines) + body)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), text.decode()


@pytest.mark.parametrize("name", [b"User-Agent", b"Referer", b"Cookie", b"X-Visitor-Session", b"X-Forwarded-For"])
@pytest.mark.parametrize("value", [b"x" * 64 * 1024, b"\xff\xfe\x80 \xc3\x28"], ids=["64-kib", "no-utf8"])
def test_an_absurd_header_loses_no_event(whole_shop: RunningShop, name: bytes, value: bytes) -> None:
    status, text = raw_answer(whole_shop, name + b": " + value)
    assert status == 202
    assert json.loads(text)["accepted"] == 1


def test_a_body_of_10_mib_is_refused_in_the_envelope(whole_shop: RunningShop) -> None:
    status, text = raw_answer(whole_shop, body=b" " * 10 * 1024 * 1024)
    assert status == 413
    assert json.loads(text)["error"] == "PAYLOAD_TOO_LARGE"

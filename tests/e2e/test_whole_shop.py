"""For real, against the shop that `make run` starts: purchases by browser and by API, and an owner's first day."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import CHROME
from tests.e2e.conftest import RunningShop, tab
from tests.e2e.owner import Money, buy_one, eventually, money_of_today, open_order, page_of_ours, refund, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.shop]
ADDRESS = {"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"}


@pytest.fixture(params=[(1280, 900), (360, 740)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, whole_shop: RunningShop) -> Iterator[Page]:
    """A shopper's tab. Any script error fails the test."""
    width, height = request.param
    with tab(browser, whole_shop.base, viewport={"width": width, "height": height}) as opened:
        yield opened


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


# An owner's first day, as docs/first-day.md leads through it. Each step is a fixture on top of the step before, so that
# any test can run alone and in any order. Upgrades are walked in tests/upgrades.

GOES_BACK = Decimal("5.00")
ASKED_BACK = """
SELECT orders_order.total, orders_refund.amount FROM orders_refund
JOIN orders_paymentattempt ON orders_paymentattempt.id = orders_refund.attempt_id
JOIN orders_ordersession ON orders_ordersession.id = orders_paymentattempt.order_session_id
JOIN orders_order ON orders_order.id = orders_ordersession.order_id
WHERE orders_order.number = %s
"""


@pytest.fixture(scope="module")
def staff(browser: Browser, whole_shop: RunningShop) -> Iterator[Page]:
    """The owner, logged in to the admin."""
    with tab(browser, whole_shop.base) as page:
        sign_in(page)
        yield page


@dataclass(frozen=True)
class Seen:
    """The first visit, as the admin shows it."""

    page: str
    """Its name, which is that of the campaign, too."""
    live: str
    visit: str


@pytest.fixture(scope="module")
def first_visit(browser: Browser, whole_shop: RunningShop, staff: Page) -> Seen:
    """Somebody with a flyer comes to a page of the owner's own, on another origin than the shop's."""
    name = uuid4().hex[:8]
    with page_of_ours(whole_shop) as ours, tab(browser, whole_shop.base) as visitor:
        with visitor.expect_response(lambda answer: answer.url.endswith("/analytics/track")):
            visitor.goto(f"{ours}/{name}?utm_source=flyer&utm_medium=print&utm_campaign={name}")
        visits = f"/admin/sessions_app/visitorsession/?utm_campaign={name}"
        assert eventually(lambda: staff.goto(visits) and staff.locator("#result_list tbody tr").count())
    staff.locator("#result_list tbody tr a").first.click()
    visit = staff.inner_text("#content")
    live = eventually(lambda: name in (found := pages_in_live(staff)) and found)
    return Seen(name, str(live), visit)


def pages_in_live(staff: Page) -> str:
    staff.goto("/admin/live/")
    return staff.locator("section", has=staff.get_by_role("heading", name="Pages now")).inner_text()


def test_a_page_of_our_own_has_its_visit_in_the_admin(first_visit: Seen) -> None:
    assert f"campaign · flyer · print · {first_visit.page}" in first_visit.visit


def test_who_looks_at_a_page_of_our_own_is_in_live(first_visit: Seen) -> None:
    assert re.search(rf"^/{first_visit.page}\s+1$", first_visit.live, re.MULTILINE)


@dataclass(frozen=True)
class Sale:
    """The first order, and the money of the day: before it, when it was paid, and when some of it had gone back."""

    number: str
    email: str
    total: Decimal
    day: tuple[Money, Money, Money]
    order: str
    """What its page says at the end."""
    export: Path
    backup: Path


@pytest.fixture(scope="module")
def sale(browser: Browser, whole_shop: RunningShop, staff: Page, tmp_path_factory: pytest.TempPathFactory) -> Sale:
    """Somebody buys a candle; some of the money goes back, by the button on the order's page.

    While it is on its way the customer asks what is known of them, and a backup is made.
    """
    email, folder = f"ada.{uuid4().hex[:8]}@example.com", tmp_path_factory.mktemp("day")
    export, backup = folder / "export.json", folder / "backup"
    before = money_of_today(staff)
    with tab(browser, whole_shop.base) as shopper:
        number, total = buy_one(shopper, email)
    paid = money_of_today(staff)
    open_order(staff, number)
    refund(staff, str(GOES_BACK))
    whole_shop.manage("export_customer", email, "--output", str(export)).check_returncode()
    whole_shop.manage("backup", str(backup)).check_returncode()
    assert eventually(lambda: mail_of_refund(whole_shop, number), seconds=40)
    staff.reload()
    page = staff.inner_text("#content")
    return Sale(number, email, total, (before, paid, money_of_today(staff)), page, export, backup)


def mail_of_refund(shop: RunningShop, number: str) -> str:
    """The mail that says so, from the log of whoever sends mails; "" if there is none yet."""
    log = (shop.home / "log" / "background.log").read_text()
    return log.partition(f"Subject: Your refund for order {number}")[2].partition("See the order:")[0]


def test_the_first_order_is_in_the_sales_of_the_day(sale: Sale) -> None:
    before, paid, _ = sale.day
    assert paid.sales - before.sales == sale.total


def test_a_refund_is_in_the_figures_of_the_day_and_leaves_its_sales(sale: Sale) -> None:
    _, paid, refunded = sale.day
    assert refunded == Money(paid.sales, paid.refunds - GOES_BACK)


def test_a_refund_is_on_the_page_of_its_order(sale: Sale) -> None:
    assert f"£{GOES_BACK} of £{sale.total}" in sale.order


def test_who_gets_money_back_gets_a_mail(whole_shop: RunningShop, sale: Sale) -> None:
    mail = mail_of_refund(whole_shop, sale.number)
    assert f"To: {sale.email}" in mail
    assert f"We have sent £{GOES_BACK} back to you." in mail


def test_who_asks_gets_the_order(sale: Sale) -> None:
    held = json.loads(sale.export.read_text())["held"]
    assert [order["number"] for order in held["orders"]] == [sale.number]


@pytest.fixture(scope="module")
def erased(whole_shop: RunningShop, sale: Sale) -> None:
    """The first customer wants to be forgotten."""
    done = whole_shop.manage("erase_customer", sale.email, "--yes")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("erased")
def test_who_is_erased_is_not_found_any_more(staff: Page, sale: Sale) -> None:
    staff.goto(f"/admin/customers/customer/?q={sale.email}")
    expect(staff.locator("#content")).to_contain_text("No results found")


@pytest.fixture(scope="module")
def restored(whole_shop: RunningShop, sale: Sale) -> Iterator[dict[str, str]]:
    """The environment of commands for another database, into which the backup was taken back, while the shop serves."""
    database = whole_shop.address("PostgreSQL")
    trial = f"{database}_trial"
    env = {"DATABASE_URL": trial, "REDIS_URL": whole_shop.address("Redis").replace("db=0", "db=9")}
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS footfall_trial")
        server.execute("CREATE DATABASE footfall_trial")
        done = whole_shop.manage("restore", str(sale.backup), "--yes", **env)
        assert done.returncode == 0, done.stderr
        yield env
        server.execute("DROP DATABASE footfall_trial WITH (FORCE)")


def test_a_backup_that_is_taken_back_has_the_order_and_the_refund_that_was_asked_for(
    restored: dict[str, str], sale: Sale
) -> None:
    with psycopg.connect(restored["DATABASE_URL"]) as trial:
        found = trial.execute(ASKED_BACK, [sale.number]).fetchall()
    assert found == [(sale.total, GOES_BACK)]


def test_a_backup_that_is_taken_back_adds_up(whole_shop: RunningShop, restored: dict[str, str]) -> None:
    done = whole_shop.manage("verify_integrity", **restored)
    assert done.returncode == 0, done.stdout + done.stderr

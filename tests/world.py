"""A shop with things to sell, shoppers who buy them by the API, and the sums that must always agree."""

from __future__ import annotations

import base64
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum
from django.test import Client
from standardwebhooks.webhooks import Webhook

from catalog.models import Product, StockMovement
from core import integrity
from core.clock import now
from core.postgresql.doubts import doubts
from orders.models import Order, OrderSession, PaymentAttempt
from orders.providers.contract import Report
from orders.services import settle_attempt
from tests import logs
from tests.billing_server import PaySession
from tests.browsers import CHROME
from tests.factories import ProductFactory, ShippingMethodFactory, TaxRateFactory

API = "/api/v1"
TOKENS = re.compile(r'"(?:\w*[tT]oken)": ?"([^"]+)"')
ADDRESS = {"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"}


@dataclass
class World:
    """What a shop needs to sell: two products, one way to ship (10.00), one tax (10 %)."""

    mug: Product = field(default_factory=lambda: ProductFactory(name="Mug", price=Decimal("20.00"), stock_quantity=10))
    tea: Product = field(default_factory=lambda: ProductFactory(name="Tea", price=Decimal("4.50"), stock_quantity=10))
    method: Any = field(default_factory=ShippingMethodFactory)
    tax: Any = field(default_factory=TaxRateFactory)


class Shopper:
    """A browser with its own visit."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(headers={"user-agent": CHROME, **headers})
        self.email = f"{uuid.uuid4().hex[:12]}@example.com"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request of the API."""
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = getattr(self.client, method)(API + path, headers=headers, **content)
        logs.seen(*TOKENS.findall(answer.content.decode()))
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("post", path, body, **headers)

    def visit(self) -> dict[str, Any]:
        """The visitor session as the API shows it."""
        session: dict[str, Any] = self.get("/storefront/session/current").json()["data"]["session"]
        return session

    def initiate(self, *lines: tuple[Product, int]) -> Any:
        return self.post("/checkout/initiate", {"cartItems": cart(lines)})

    def checkout(self, *lines: tuple[Product, int]) -> str:
        """The id of a new checkout."""
        answer = self.initiate(*lines)
        assert answer.status_code == 201, answer.json()
        return str(answer.json()["data"]["checkoutId"])

    def buyer(self, world: World, **changes: Any) -> dict[str, Any]:
        """What confirm-order needs beside the checkout; `name=None` leaves a field out."""
        body = {
            "email": self.email,
            "firstName": "Ada",
            "lastName": "Byron",
            "shippingAddress": ADDRESS,
            "shippingMethodId": str(world.method.id),
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def confirm(self, checkout_id: str, world: World, key: str = "", **changes: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.post(
            "/checkout/confirm-order", {"checkoutId": checkout_id} | self.buyer(world, **changes), **headers
        )

    def apply(self, checkout_id: str, code: str) -> Any:
        return self.post("/checkout/apply-coupon", {"checkoutId": checkout_id, "code": code})

    def buy(self, world: World, *lines: tuple[Product, int], coupon: str = "", **changes: Any) -> dict[str, Any]:
        """Checkout and confirm; the answer's data."""
        checkout_id = self.checkout(*(lines or [(world.mug, 1)]))
        if coupon:
            assert self.apply(checkout_id, coupon).status_code == 200
        answer = self.confirm(checkout_id, world, **changes)
        assert answer.status_code == 201, answer.json()
        data: dict[str, Any] = answer.json()["data"]
        return data

    def order(self, world: World, *lines: tuple[Product, int], coupon: str = "") -> Order:
        """The same, as the row."""
        return Order.objects.get(pk=self.buy(world, *lines, coupon=coupon)["order"]["orderId"])

    def retry(self, order: Order) -> Any:
        return self.post(f"/orders/{order.id}/retry-payment")


def cart(lines: Iterable[tuple[Product, int]]) -> list[dict[str, Any]]:
    """Lines as the API takes them."""
    return [{"productId": str(product.id), "quantity": quantity} for product, quantity in lines]


def attempt_of(order: Order, number: int = 1) -> PaymentAttempt:
    """An attempt of an order."""
    return PaymentAttempt.objects.get(order_session__order=order, number=number)


def report(attempt: PaymentAttempt, status: str, at: datetime | None = None) -> PaymentAttempt | None:
    """Billing says this of an attempt."""
    said = Report(status, attempt.amount, attempt.currency)
    return settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=at or now())


def window_ends(order: Order, *, ago: timedelta = timedelta(seconds=1)) -> None:
    """The order's payment window ended `ago`; it began as long before as it is open."""
    window = OrderSession.objects.get(order=order)
    window.expires_at = now() - ago
    window.started_at = window.expires_at - timedelta(minutes=window.duration_minutes)
    window.save(update_fields=["started_at", "expires_at"])


def webhook_body(session: PaySession, **changes: Any) -> dict[str, Any]:
    """What billing's webhook says of a pay session as it is."""
    return {"type": "paysession.settled", "data": session.report() | changes}


def signed(body: str, *, secret: str, webhook_id: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    """The headers of a webhook, signed by the standard's own library."""
    sent_at = at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, sent_at, body),
    }


def secret_of(text: str) -> str:
    """A webhook secret."""
    return "whsec_" + base64.b64encode(text.encode().ljust(24, b"-")).decode()


def together(number: int, work: Callable[[int], Any], *, seconds: float = 60) -> list[Any]:
    """Runs `work(0)`, `work(1)`... in threads that begin at once and end within `seconds`; their results, or what they
    raised, in order.
    """
    results: list[Any] = [None] * number
    gate = threading.Barrier(number)

    def run(place: int) -> None:
        gate.wait(20)
        try:
            results[place] = work(place)
        except Exception as error:  # noqa: BLE001 - it is a result here
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, ends - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads)
    return results


@contextmanager
def wide_pool(connections: int) -> Iterator[None]:
    """Room for so many threads at the database, for the length of a `with` block."""
    options = connection.settings_dict["OPTIONS"]
    usual = options["pool"]
    try:
        replace_pool(usual | {"max_size": connections, "timeout": 30})
        yield
    finally:
        replace_pool(usual)


def replace_pool(pool: dict[str, Any]) -> None:
    """Closes the pool of connections; the next one is made with these options."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    connection.settings_dict["OPTIONS"]["pool"] = pool
    doubts.end()


def altered(statement: str, *changes: tuple[str, str]) -> str:
    """A statement for a control: each of these parts, which must be there, is another one."""
    for part, by in changes:
        assert part in statement, part
        statement = statement.replace(part, by)
    return statement


def deadlocks() -> int:
    """How many there were in this database so far. Ask when nobody else is at work: a session may keep those that it
    saw for itself until it ends, so the end of all is waited for.
    """
    began = asked("SELECT clock_timestamp()")
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    deadline = time.monotonic() + 30
    while others := asked(f"{SESSIONS} AND backend_start < %s", began):
        assert time.monotonic() < deadline, f"{others} sessions go on"
        time.sleep(0.01)
    return int(asked("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)


def asked(statement: str, *values: Any) -> Any:
    """What PostgreSQL answers, as it is now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(statement, values)
        row = cursor.fetchone()
    assert row is not None
    return row[0]


def check_books() -> None:
    """All that `manage.py verify_integrity` asks for agrees. Besides, pending and paid orders hold what they ordered,
    the others nothing, and each history leads from nothing to the order's status without a gap.
    """
    found = problems()
    assert not found, found
    held = holdings()
    for order in Order.objects.prefetch_related("items", "history"):
        ordered = {item.product_id: item.quantity for item in order.items.all()}
        assert held[order.id] == (ordered if order.status in ("pending", "success") else {}), order.status
        steps = [(change.old, change.new) for change in order.history.all() if change.field == "status"]
        assert [old for old, _new in steps] == ["", *[new for _old, new in steps[:-1]]]
        assert steps[-1][1] == order.status


def problems() -> dict[str, Sequence[tuple[str, str]]]:
    """What does not agree, by the check that found it, with examples."""
    return {finding.check.name: finding.examples for finding in integrity.verify(now=now()) if finding.count}


def holdings() -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    """The pieces of each product that each order holds by the ledger."""
    found: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    moved = StockMovement.objects.exclude(order_id=None).values_list("order_id", "product_id")
    for order_id, product_id, pieces in moved.annotate(pieces=-Sum("delta")).exclude(pieces=0):
        found[order_id][product_id] = pieces
    return found

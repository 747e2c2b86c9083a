"""A shop with things to sell, shoppers who buy them by the API, and the sums that must always agree."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Sum
from django.test import Client
from standardwebhooks.webhooks import Webhook

from catalog.models import Product
from checkout.models import Coupon, CouponUse
from core.clock import now
from customers.models import Customer
from orders.billing import Report
from orders.models import Order, OrderSession, PaymentAttempt
from orders.services import settle_attempt
from tests.billing_server import PaySession
from tests.browsers import CHROME
from tests.factories import ProductFactory, ShippingMethodFactory, TaxRateFactory

API = "/api/v1"
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
        return getattr(self.client, method)(API + path, headers=headers, **content)

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
    """The order's payment window ended `ago`."""
    OrderSession.objects.filter(order=order).update(expires_at=now() - ago)


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


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """Runs `work(0)`, `work(1)`... in threads that begin at once; their results, or what they raised, in order."""
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
    for thread in threads:
        thread.join(60)
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


def deadlocks() -> int:
    """How many there were in this database so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def check_books() -> None:
    """Stock is the sum of its ledger, held by pending and paid orders only; totals are those of paid orders."""
    for product in Product.objects.all():
        in_ledger = product.movements.aggregate(sum=Sum("delta"))["sum"] or 0
        assert product.stock_quantity == in_ledger, f"{product}: {product.stock_quantity} is not {in_ledger}"
        lines = product.orderitem_set.filter(order__status="success")
        assert product.total_sold == (lines.aggregate(sum=Sum("quantity"))["sum"] or 0), product
        assert product.total_revenue == (lines.aggregate(sum=Sum("line_total"))["sum"] or 0), product
    for order in Order.objects.prefetch_related("items"):
        held = {item.product_id: item.quantity for item in order.items.all()}
        assert ledger_of(order) == (held if order.status in ("pending", "success") else {}), order.status
        check_history(order)
    for customer in Customer.objects.all():
        paid = customer.orders.filter(status="success")
        assert customer.total_orders == paid.count()
        assert customer.total_spent == (paid.aggregate(sum=Sum(F("total") - F("refunded_amount")))["sum"] or 0)
    for coupon in Coupon.objects.all():
        assert coupon.used_count == CouponUse.objects.filter(coupon=coupon).count()


def ledger_of(order: Order) -> dict[uuid.UUID, int]:
    """What an order holds by the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id, -sum(delta) FROM catalog_stockmovement WHERE order_id = %s "
            "GROUP BY product_id HAVING sum(delta) <> 0",
            [order.id],
        )
        return dict(cursor.fetchall())


def check_history(order: Order) -> None:
    """The history leads from nothing to the order's status without a gap."""
    steps = [(change.old, change.new) for change in order.history.filter(field="status")]
    assert [old for old, _new in steps] == ["", *[new for _old, new in steps[:-1]]]
    assert steps[-1][1] == order.status

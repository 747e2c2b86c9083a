"""What a purchase costs, up to the open payment."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.billing import stand_in, stand_in_beside
from benchmarks.buying import LINES, buy, fill_checkout
from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.same_rows import Template, address, row_counts
from benchmarks.shop import visitor
from core.ids import new_id
from orders.models import Order
from sessions_app.tokens import sign

ORDERS_A_ROUND = 40
KINDS = {"RELEASE": "RELEASE SAVEPOINT", "WITH": "WITH (reads and writes at once)"}


def checkout_sql() -> Measurement:
    """Statements from initiate to confirm (shipping, tax, coupon, the kept answer) for three lines, over the services.
    Everything sent to PostgreSQL is counted, BEGIN, SAVEPOINT and COMMIT as well.
    """
    with stand_in():
        buy(visitor())  # the first fills caches
        session = visitor()
        with CaptureQueriesContext(connection) as captured:
            order = buy(session)
    check_order(order)
    return counted([query["sql"] for query in captured.captured_queries])


def confirm_sql() -> Measurement:
    """Statements of `POST confirm-order` alone, for the same three lines, over the API: with all that the request does
    beside the service (the answer is made and kept).
    """
    with stand_in():
        confirm_over_api(ready_to_confirm())
        ready = ready_to_confirm()
        with CaptureQueriesContext(connection) as captured:
            order_id = confirm_over_api(ready)
    check_order(Order.objects.get(pk=order_id))
    return counted([query["sql"] for query in captured.captured_queries])


def checkout_rate() -> Measurement:
    """Orders a second over the services in one thread, from initiate to confirm, with a billing service that answers at
    once, against plain psycopg writing the same rows (every table the same number of them) in one transaction an order.
    """
    with stand_in_beside(), psycopg.connect(address(), autocommit=True) as plain:
        template = Template.of(buy(visitor()), plain)
        for copy in template.copies(ORDERS_A_ROUND):
            template.write(plain, copy)
        return alternate(lambda: bought(template), lambda: copied(template, plain), unit="orders/s")


@dataclass(frozen=True)
class Ready:
    """A confirm as it is sent."""

    body: str
    headers: dict[str, str]


def ready_to_confirm() -> Ready:
    """Fills a checkout; what is left is to confirm it."""
    session = visitor()
    address = {"line1": "1 High Street", "city": "London", "postalCode": "N1 1AA", "country": "GB"}
    buyer = {"email": f"{new_id().hex}@example.com", "firstName": "Ada", "lastName": "Byron"}
    body = {"checkoutId": str(fill_checkout(session).id), "shippingAddress": address, **buyer}
    token = sign(session.session_id, purpose="session")
    return Ready(json.dumps(body), {"X-Visitor-Session": token, "Idempotency-Key": new_id().hex})


def confirm_over_api(ready: Ready) -> str:
    """Confirms; returns the order's id.

    Raises:
        NotDoneError: the answer is not 201.
    """
    path = "/api/v1/checkout/confirm-order"
    answer = Client().post(path, ready.body, content_type="application/json", headers=ready.headers)
    require(answer.status_code == 201, f"confirm-order answers {answer.status_code}: {answer.content[:300]!r}")
    return str(answer.json()["data"]["order"]["orderId"])


def check_order(order: Order) -> None:
    """What was counted must have ordered.

    Raises:
        NotDoneError: lines, coupon or payment are missing.
    """
    require(order.items.count() == LINES, f"the order has {order.items.count()} lines")
    require(order.coupon_code != "", "the order has no coupon")
    require(order.session.attempts.count() == 1, "the order has no payment attempt")


def counted(statements: Sequence[str]) -> Measurement:
    """How many, and of which kinds."""
    kinds = Counter(statement.split()[0] for statement in statements)
    notes = {KINDS.get(word, word): float(count) for word, count in kinds.most_common()}
    return Measurement(len(statements), "statements", notes=notes)


def bought(template: Template) -> Sample:
    """A round of orders; the visits have begun before.

    Raises:
        NotDoneError: it wrote other rows than the floor does.
    """
    sessions = [visitor() for _ in range(ORDERS_A_ROUND)]
    before = row_counts()
    begun, spent = time.perf_counter(), time.process_time()
    for session in sessions:
        buy(session)
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    check_rows(template, before)
    return Sample(ORDERS_A_ROUND / seconds, {"CPU ms an order": 1000 * spent / ORDERS_A_ROUND})


def copied(template: Template, plain: psycopg.Connection) -> Sample:
    """A round of the floor; its values are made before.

    Raises:
        NotDoneError: it wrote other rows than the shop does.
    """
    copies = template.copies(ORDERS_A_ROUND)
    before = row_counts()
    begun, spent = time.perf_counter(), time.process_time()
    for copy in copies:
        template.write(plain, copy)
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    check_rows(template, before)
    return Sample(ORDERS_A_ROUND / seconds, {"CPU ms an order": 1000 * spent / ORDERS_A_ROUND})


def check_rows(template: Template, before: Counter[str]) -> None:
    """Compares the rows that a round added with the template's.

    Raises:
        NotDoneError: they are not the same.
    """
    added = row_counts()
    added.subtract(before)
    wanted = {table: count * ORDERS_A_ROUND for table, count in template.row_counts().items()}
    require(dict(added) == wanted, f"the round added {dict(added)}, wanted were {wanted}")

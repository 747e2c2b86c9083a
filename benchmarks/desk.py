"""How long staff wait for the list of orders and for an order's page, in a shop of a million orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from http.client import HTTPConnection
from statistics import quantiles
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from benchmarks.many_orders import IDS, OWN, insert, pattern
from benchmarks.measurement import Measurement, require
from benchmarks.same_rows import COLUMNS
from benchmarks.web import Web, gunicorn
from core.clock import now
from customers.models import User
from orders.models import Order

ORDERS = 1_000_000
LOOKS = 40
TABLES: dict[str, dict[str, str]] = {
    "orders_order": {"placed_at": "%(expires_at)s::timestamptz - copies.n * interval '1 min'"},
    "orders_orderitem": {},
    "orders_ordersession": {},
    "orders_paymentattempt": {},
}
"""What the list and the page read, and what differs from `many_orders`: an order a minute, for two years."""
LIST = "/admin/orders/order/"
Together = tuple[str, ...]
"""A page and its parts, asked for one after the other."""


def order_list() -> Measurement:
    """Milliseconds of the list of orders, p95: its first page, later ones, by state, by number, by e-mail address."""
    addresses = [
        LIST,
        f"{LIST}?p=7",
        f"{LIST}?p=150",
        f"{LIST}?status__exact=pending",
        f"{LIST}?q={filled().number}",
        f"{LIST}?q={filled().email}",
    ]
    return looked_at(addresses)


def order_page() -> Measurement:
    """Milliseconds of an order's page, p95."""
    filled()
    keys = Order.objects.order_by("-placed_at").values_list("pk", flat=True)[:: ORDERS // 20][:20]
    return looked_at([f"{LIST}{key}/change/" for key in keys])


@cache
def filled() -> Order:
    """Writes the orders once a run; the one that they are like."""
    like = pattern()
    values: dict[str, int | str | datetime | UUID] = {
        "first": 1,
        "last": ORDERS,
        "expires_at": now(),
        "attempt": "open",
        "order": like.pk,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(IDS, values)
        for table, own in TABLES.items():
            cursor.execute(COLUMNS, [table])
            columns = [row[0] for row in cursor.fetchall()]
            cursor.execute(insert(table, columns, {**OWN[table], **own}), values)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return like


def looked_at(addresses: Sequence[str | Together], *, before: Callable[[], object] = lambda: None) -> Measurement:
    """The p95 of looks at these pages in turn by one person, each page looked at before; `before` runs before a look.
    A page that asks for its parts afterwards is there when all of them are.

    Raises:
        NotDoneError: a page is not there.
    """
    with gunicorn("shop") as shop:
        cookie = logged_in()
        for address in addresses:
            look(shop, address, cookie)
        waited = []
        for number in range(LOOKS):
            before()
            waited.append(look(shop, addresses[number % len(addresses)], cookie))
    cuts = quantiles(waited, n=20)
    return Measurement(cuts[-1], "ms", notes={"median, ms": cuts[9], "longest, ms": max(waited)})


def logged_in() -> str:
    """The cookie of somebody who may see everything."""
    client = Client()
    staff, _new = User.objects.get_or_create(email="desk@example.com", is_staff=True, is_superuser=True)
    client.force_login(staff)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def look(shop: Web, address: str | Together, cookie: str) -> float:
    """Milliseconds until a page is there with all its parts.

    Raises:
        NotDoneError: it is not.
    """
    if not isinstance(address, str):
        return sum(look(shop, part, cookie) for part in address)
    web = HTTPConnection("127.0.0.1", shop.port, timeout=60)
    begun = time.perf_counter()
    web.request("GET", address, headers={"Cookie": cookie})
    answer = web.getresponse()
    answer.read()
    milliseconds = 1000 * (time.perf_counter() - begun)
    require(answer.status == 200, f"{address} answers {answer.status}")
    web.close()
    return milliseconds

"""What it costs to bring in a file of orders."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection, transaction

from benchmarks.measurement import Measurement, Sample, require
from catalog.models import Product
from config.embedded import home
from core.clock import now
from core.spreadsheets import open_source
from orders.models import Order, Refund
from orders.transfer import Tally
from orders.transfer import import_orders as import_file
from orders.transfer.rows import Notation

ORDERS = 100_000
LINES_AN_ORDER = (1, 1, 2, 2, 3, 4)
ONE_GOES_BACK_OF = 20
PRODUCTS = 200
CUSTOMERS = 40_000
SKU, NUMBER = "OLD-", "WEB-"
FIRST = datetime(2023, 1, 1, tzinfo=UTC)


def import_orders() -> Measurement:
    """Orders a second of a file of 100,000 that are not there yet, one to four lines each, of 40,000 customers and 200
    products, one of twenty given back in part, by the service of the command. The same file again adds nothing, and
    how fast that is stands beside it.
    """
    path = order_file()
    try:
        make_products()
        first, tally = imported(path)
        require((tally.added, tally.refused_lines) == (ORDERS, 0), f"a first import says {tally.added} were added")
        refunds = Refund.objects.exclude(credit_note="").exclude(order=None).count()
        require(refunds == tally.refunds_added == ORDERS // ONE_GOES_BACK_OF, f"{refunds} refunds know their order")
        again, tally = imported(path)
        require((tally.unchanged, tally.added, tally.refunds_added) == (ORDERS, 0, 0), "a second import added some")
        stored = Order.objects.filter(number__startswith=NUMBER).count()
        require(stored == ORDERS, f"{stored} orders are stored")
    finally:
        remove()
    notes = {**first.notes, "the same file again, orders/s": again.value}
    return Measurement(first.value, "orders/s", notes=notes)


def imported(path: Path) -> tuple[Sample, Tally]:
    """One import, and what it says it did."""
    tally = Tally()
    begun, spent = time.perf_counter(), time.process_time()
    with open_source(str(path)) as lines:
        import_file(
            lines=lines,
            notation=Notation(now()),
            dry_run=False,
            tally=tally,
            refused=print,
            touched=lambda _days: None,
        )
    seconds, processor = time.perf_counter() - begun, time.process_time() - spent
    return Sample(ORDERS / seconds, {"importer CPU µs an order": 1e6 * processor / ORDERS}), tally


def make_products() -> None:
    """What was sold."""
    Product.objects.bulk_create(
        Product(slug=f"old-{number}", sku=f"{SKU}{number}", name=f"Old {number}", price=5 + number)
        for number in range(PRODUCTS)
    )


def remove() -> None:
    """Takes all of it away again: what is measured next is not to have a larger shop."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # the history of orders is kept otherwise
        mine = f"(SELECT id FROM orders_order WHERE number LIKE '{NUMBER}%')"
        for table in ("orders_refund", "orders_orderstatuschange", "orders_orderitem"):
            cursor.execute(f"DELETE FROM {table} WHERE order_id IN {mine}")
        cursor.execute("DELETE FROM orders_order WHERE number LIKE %s", [f"{NUMBER}%"])
        cursor.execute("DELETE FROM customers_customer WHERE email LIKE %s", ["old-%@example.com"])
        cursor.execute("DELETE FROM catalog_product WHERE sku LIKE %s", [f"{SKU}%"])


def order_file() -> Path:
    """The file, the same at every run."""
    path = home() / "bench-orders.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows())
    return path


COLUMNS = (
    "number", "placed_at", "email", "first_name", "last_name", "line1", "city", "postal_code", "country", "shipping",
    "sku", "name", "quantity", "unit_price", "refund_of",
)  # fmt: skip


def rows() -> Iterator[tuple[object, ...]]:
    """Orders of three years, the oldest first."""
    dice = random.Random(1)
    for number in range(ORDERS):
        placed_at = FIRST + timedelta(minutes=15 * number)
        who = dice.randrange(CUSTOMERS)
        person = (f"old-{who}@example.com", "Ada", f"Byron {who}", "1 High Street", "London", "N1 9GU", "GB")
        head = (f"{NUMBER}{number}", placed_at.isoformat(), *person, "4.95")
        goods = dice.sample(range(PRODUCTS), dice.choice(LINES_AN_ORDER))
        for which in goods:
            yield (*head, f"{SKU}{which}", f"Old {which}", dice.randint(1, 3), f"{5 + which}.00", "")
        if number % ONE_GOES_BACK_OF == 0:
            back = (f"C-{NUMBER}{number}", (placed_at + timedelta(days=3)).isoformat(), *person, "")
            yield (*back, f"{SKU}{goods[0]}", f"Old {goods[0]}", -1, f"{5 + goods[0]}.00", f"{NUMBER}{number}")

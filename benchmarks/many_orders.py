"""Thousands of orders like one that was bought, written by a statement a table: what jobs over many orders work on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from benchmarks.billing import stand_in
from benchmarks.buying import buy
from benchmarks.same_rows import COLUMNS, ROWS_OF
from benchmarks.shop import visitor
from orders.models import Order

IDS = """
CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
SELECT n, gen_random_uuid() AS order_id, gen_random_uuid() AS window_id, gen_random_uuid() AS checkout_id
FROM generate_series(%(first)s::int, %(last)s::int) n
"""
COPY = "bench-"
"""What the ids of pay sessions begin with: attempts that were bought are known by other ones."""
OWN: Mapping[str, Mapping[str, str]] = {
    "checkout_checkoutsession": {"id": "copies.checkout_id", "order_id": "NULL"},
    "orders_order": {
        "id": "copies.order_id",
        "number": "'B-' || copies.n",
        "checkout_id": "copies.checkout_id",
        "access_token_hash": "md5(copies.n::text)",
    },
    "orders_orderitem": {"order_id": "copies.order_id"},
    "orders_orderstatuschange": {"order_id": "copies.order_id"},
    "orders_ordersession": {
        "id": "copies.window_id",
        "order_id": "copies.order_id",
        "started_at": "%(expires_at)s::timestamptz - interval '15 min'",
        "expires_at": "%(expires_at)s::timestamptz",
    },
    "orders_paymentattempt": {
        "id": "gen_random_uuid()",
        "order_session_id": "copies.window_id",
        "billing_checkout_id": f"'{COPY}' || copies.n",
        "status": "%(attempt)s::text",
        "next_poll_at": "NULL",
        "resolved_at": "CASE WHEN %(attempt)s::text = 'open' THEN NULL ELSE now() END",
    },
    "checkout_couponuse": {"order_id": "copies.order_id"},
    "catalog_stockmovement": {"order_id": "copies.order_id"},
}
"""Each table, and what of its rows is the copy's own. Ids that PostgreSQL counts are not copied."""
AFTERWARDS = (
    "UPDATE checkout_checkoutsession c SET order_id = copies.order_id FROM copies WHERE c.id = copies.checkout_id",
    """UPDATE checkout_coupon c SET used_count =
       (SELECT count(*) FROM checkout_couponuse u WHERE u.coupon_id = c.id)""",
    """UPDATE catalog_product p SET stock_quantity =
       (SELECT sum(delta) FROM catalog_stockmovement m WHERE m.product_id = p.id)""",
)


def pattern() -> Order:
    """A pending order of three lines with a coupon, bought over the services."""
    with stand_in():
        return buy(visitor())


@transaction.atomic
def many_orders(like: Order, *, count: int, expires_at: datetime, attempt: str) -> None:
    """So many pending orders, numbered on, whose window ends then and whose attempt has that status."""
    there = Order.objects.filter(number__startswith="B-").count()
    values: dict[str, int | str | datetime | UUID] = {
        "first": there + 1,
        "last": there + count,
        "expires_at": expires_at,
        "attempt": attempt,
        "order": like.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(IDS, values)
        for table, own in OWN.items():
            cursor.execute(COLUMNS, [table])
            cursor.execute(insert(table, [row[0] for row in cursor.fetchall()], own), values)
        for statement in AFTERWARDS:
            cursor.execute(statement)
        for table in (*OWN, "catalog_product", "orders_outboxevent"):
            cursor.execute(f"ANALYZE {table}")


def insert(table: str, columns: list[str], own: Mapping[str, str]) -> str:
    """The rows of the pattern in a table, once for each copy."""
    names = [name for name in columns if name in own or name != "id"]
    values = [own.get(name, f"{table}.{name}") for name in names]
    select = f"SELECT {', '.join(values)} FROM {table}, copies WHERE {table}.{ROWS_OF[table]}"
    return f"INSERT INTO {table} ({', '.join(names)}) {select}"


def stock() -> dict[UUID, int]:
    """What is left of each product."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, stock_quantity FROM catalog_product")
        return dict(cursor.fetchall())

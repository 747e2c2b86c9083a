"""The rows that one purchase leaves, written by plain psycopg: the floor of `checkout_rate`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from core.ids import new_id
from orders.models import Order

# Each table, and which of its rows belong to an order; parents first.
ROWS_OF = {
    "sessions_app_visitorsession": "session_id = (SELECT visitor_session_id FROM orders_order WHERE id = %(order)s)",
    "customers_customer": "id = (SELECT customer_id FROM orders_order WHERE id = %(order)s)",
    "orders_order": "id = %(order)s",
    "orders_orderitem": "order_id = %(order)s",
    "orders_ordersession": "order_id = %(order)s",
    "orders_orderstatuschange": "order_id = %(order)s",
    "orders_outboxevent": "payload ->> 'orderId' = %(order)s::text",
    "orders_paymentattempt": "order_session_id = (SELECT id FROM orders_ordersession WHERE order_id = %(order)s)",
    "checkout_checkoutsession": "order_id = %(order)s",
    "checkout_couponuse": "order_id = %(order)s",
    "checkout_idempotencykey": "order_id = %(order)s",
    "catalog_stockmovement": "order_id = %(order)s",
}
# What must differ from copy to copy beside UUIDs that are primary keys.
UNIQUE_TEXT = {
    "customers_customer": ("email",),
    "orders_order": ("number", "access_token_hash"),
    "orders_paymentattempt": ("billing_checkout_id",),
    "checkout_idempotencykey": ("key",),
}
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND is_generated = 'NEVER' AND is_identity = 'NO' ORDER BY ordinal_position
"""
TAKE_STOCK = "UPDATE catalog_product SET stock_quantity = stock_quantity - 2 WHERE id = ANY(%s)"
TAKE_COUPON = "UPDATE checkout_coupon SET used_count = used_count + 1 WHERE id = ANY(%s)"

Copy = list[list[Any]]
"""The values of each statement."""


def address() -> str:
    """The benchmarks' database."""
    return os.environ["DATABASE_URL"]


def row_counts() -> Counter[str]:
    """How many rows each of the tables has now."""
    counts: Counter[str] = Counter()
    with connection.cursor() as cursor:
        for table in ROWS_OF:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = int((cursor.fetchone() or [0])[0])
    return counts


@dataclass(frozen=True)
class Template:
    """The rows of an order, the statements that write such rows (one a table), and what changes besides."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    statements: Sequence[sql.Composed]
    products: Sequence[UUID]
    coupons: Sequence[int]

    @classmethod
    def of(cls, order: Order, plain: psycopg.Connection) -> Template:
        """Reads them."""
        rows = {table: rows_of(plain, table, order.id) for table in ROWS_OF}
        return cls(
            rows,
            [insert(table, found) for table, found in rows.items()],
            [row["product_id"] for row in rows["orders_orderitem"]],
            [row["coupon_id"] for row in rows["checkout_couponuse"]],
        )

    def row_counts(self) -> Mapping[str, int]:
        """Rows by table."""
        return {table: len(rows) for table, rows in self.rows.items()}

    def copies(self, count: int) -> list[Copy]:
        """So many orders of the same kind, with keys of their own."""
        return [self.copy() for _ in range(count)]

    def copy(self) -> Copy:
        """One of them, ready to be sent."""
        fresh = self.fresh_keys()
        return [[renewed(value, fresh) for row in rows for value in row.values()] for rows in self.rows.values()]

    def fresh_keys(self) -> Mapping[object, object]:
        """New keys by the old ones."""
        fresh: dict[object, object] = {}
        for table, rows in self.rows.items():
            for row in rows:
                key = row.get("session_id") if table == "sessions_app_visitorsession" else row.get("id")
                fresh |= {} if key is None else {key: new_id()}
                fresh |= {row[column]: row[column][:4] + new_id().hex[-10:] for column in UNIQUE_TEXT.get(table, ())}
        # The order's checkout is the same one as the checkout's own.
        return fresh | {self.rows["sessions_app_visitorsession"][0]["visitor_id"]: new_id()}

    def write(self, plain: psycopg.Connection, copy: Copy) -> None:
        """Writes it in one transaction."""
        with plain.transaction(), plain.cursor() as cursor:
            for statement, values in zip(self.statements, copy, strict=True):
                cursor.execute(statement, values)
            cursor.execute(TAKE_STOCK, [self.products])
            cursor.execute(TAKE_COUPON, [self.coupons])


def rows_of(plain: psycopg.Connection, table: str, order_id: UUID) -> list[dict[str, Any]]:
    """The order's rows of a table, without the columns that the database fills in."""
    columns = [row[0] for row in plain.execute(COLUMNS, [table])]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("SELECT {} FROM {} WHERE ").format(names, sql.Identifier(table)) + sql.SQL(ROWS_OF[table])
    with plain.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"order": order_id}).fetchall()


def insert(table: str, rows: Sequence[Mapping[str, Any]]) -> sql.Composed:
    """One statement for all rows of a table."""
    names = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    marks = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(rows[0])))
    return sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        sql.Identifier(table), names, sql.SQL(", ").join([marks] * len(rows))
    )


def renewed(value: Any, fresh: Mapping[object, object]) -> Any:
    """The value for a copy."""
    return Jsonb(value) if isinstance(value, dict | list) else fresh.get(value, value)

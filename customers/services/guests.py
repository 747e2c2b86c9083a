"""Who buys without an account, and what customers bought."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from core.ids import new_id
from customers.emails import normal_email


@transaction.atomic(savepoint=False)
def find_or_create_guest(
    *, email: str, first_name: str, last_name: str, phone: str, first_visit_at: datetime | None
) -> UUID:
    """The customer of this e-mail address, made if there is none. An existing one is never changed.

    One statement, safe in a race. Returns the customer's id.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO customers_customer
                (id, email, first_name, last_name, phone, type, status, first_visit_at, total_orders, total_spent)
            VALUES (%s, %s, %s, %s, %s, 'guest', 'active', %s, 0, 0)
            ON CONFLICT (lower(email)) DO UPDATE SET email = customers_customer.email
            RETURNING id
            """,
            [new_id(), normal_email(email), first_name, last_name, phone, first_visit_at],
        )
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the statement always returns its row
    return UUID(str(row[0]))


def record_refunds(*, amounts: Mapping[UUID, Decimal]) -> None:
    """Takes what went back from the customers' totals. Runs in the refunds' transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH back AS (SELECT * FROM unnest(%s::uuid[], %s::numeric[]) AS b(id, amount)),
            held AS (SELECT id FROM customers_customer WHERE id IN (SELECT id FROM back) ORDER BY id FOR NO KEY UPDATE)
            UPDATE customers_customer c SET total_spent = total_spent - amount
            FROM back WHERE c.id = back.id AND c.id IN (SELECT id FROM held)
            """,
            [list(amounts), list(amounts.values())],
        )


ADD = """
WITH bought (id, orders, total, first_at, last_at) AS ({source}),
held AS (SELECT id FROM customers_customer WHERE id IN (SELECT id FROM bought) ORDER BY id FOR NO KEY UPDATE)
UPDATE customers_customer c
SET total_orders = total_orders + orders, total_spent = total_spent + total,
    first_order_at = least(first_order_at, first_at), last_order_at = greatest(last_order_at, last_at)
FROM bought WHERE c.id = bought.id AND c.id IN (SELECT id FROM held)
"""


def record_paid_order(*, customer_id: UUID, total: Decimal, placed_at: datetime) -> None:
    """Adds a paid order to the customer's totals. Runs in the settling transaction."""
    one = "VALUES (%(id)s::uuid, 1, %(total)s::numeric, %(at)s::timestamptz, %(at)s::timestamptz)"
    record_paid_orders(source=one, parameters={"id": customer_id, "total": total, "at": placed_at})


def record_paid_orders(*, source: str, parameters: Mapping[str, Any]) -> None:
    """Adds paid orders to their customers' totals. Runs in the transaction that makes them paid.

    `source` is a statement of ours: a customer's id, how many orders, for how much, when the first and the last of them
    were placed.
    """
    with connection.cursor() as cursor:
        cursor.execute(ADD.format(source=source), parameters)

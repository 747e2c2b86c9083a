"""Who buys without an account, and what customers bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
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


@dataclass(frozen=True)
class Bought:
    """Paid orders of a customer: how many, for how much, and when the first and the last of them were placed."""

    orders: int
    total: Decimal
    first_at: datetime
    last_at: datetime


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


def record_paid_orders(*, bought: Mapping[UUID, Bought]) -> None:
    """Adds paid orders to the customers' totals. Runs in the transaction that makes them paid."""
    found = bought.values()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH bought AS (
                SELECT * FROM unnest(%s::uuid[], %s::int[], %s::numeric[], %s::timestamptz[], %s::timestamptz[])
                    AS b(id, orders, total, first_at, last_at)
            ),
            held AS (
                SELECT id FROM customers_customer WHERE id IN (SELECT id FROM bought) ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE customers_customer c
            SET total_orders = total_orders + orders, total_spent = total_spent + total,
                first_order_at = least(first_order_at, first_at), last_order_at = greatest(last_order_at, last_at)
            FROM bought WHERE c.id = bought.id AND c.id IN (SELECT id FROM held)
            """,
            [
                list(bought),
                [each.orders for each in found],
                [each.total for each in found],
                [each.first_at for each in found],
                [each.last_at for each in found],
            ],
        )

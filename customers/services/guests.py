"""Who buys without an account, and what customers bought."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Least

from core.ids import new_id
from customers.emails import normal_email
from customers.models import Customer


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


def record_refund(*, customer_id: UUID, amount: Decimal) -> None:
    """Takes what went back from the customer's total. Runs in the refund's transaction."""
    Customer.objects.filter(pk=customer_id).update(total_spent=F("total_spent") - amount)


def record_paid_order(*, customer_id: UUID, total: Decimal, placed_at: datetime) -> None:
    """Adds a paid order to the customer's totals. Runs in the settling transaction."""
    Customer.objects.filter(pk=customer_id).update(
        total_orders=F("total_orders") + 1,
        total_spent=F("total_spent") + total,
        first_order_at=Least(Coalesce("first_order_at", placed_at), placed_at),
        last_order_at=Greatest(Coalesce("last_order_at", placed_at), placed_at),
    )

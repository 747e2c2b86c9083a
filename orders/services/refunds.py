"""Refunds on their way to billing: claimed, sent outside any transaction, written down."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from orders import billing
from orders.billing import BillingUnavailableError
from orders.models import Refund

LEASE = timedelta(seconds=60)

CLAIM = """
UPDATE orders_refund SET next_try_at = %(lease)s, tries = tries + 1
WHERE id = ANY(ARRAY(SELECT id FROM orders_refund WHERE status = 'requested' AND next_try_at <= %(now)s
                     ORDER BY next_try_at FOR UPDATE SKIP LOCKED LIMIT 20))
RETURNING id
"""


def send_refunds(*, now: datetime) -> int:
    """Sends what was requested; returns how many billing made. The refund's id is the key: twice refunds once."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": now + LEASE})
        ids = [row[0] for row in cursor.fetchall()]
    return sum(send(refund, now=now) for refund in Refund.objects.filter(id__in=ids).select_related("attempt"))


def send(refund: Refund, *, now: datetime) -> bool:
    """Sends one refund; a billing service that cannot be reached is tried again, later and later."""
    try:
        billing.refund(
            checkout_id=refund.attempt.billing_checkout_id,
            amount=refund.amount,
            currency=refund.attempt.paid_currency or refund.attempt.currency,
            key=str(refund.id),
        )
    except BillingUnavailableError as error:
        pause = timedelta(seconds=min(10 * 2 ** min(refund.tries, 8), 3600))
        Refund.objects.filter(pk=refund.pk).update(
            next_try_at=now + pause, last_error=str(error.__cause__ or error)[:300]
        )
        return False
    finish(refund, now=now)
    return True


@transaction.atomic
def finish(refund: Refund, *, now: datetime) -> None:
    """The money went back."""
    Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.DONE, made_at=now, next_try_at=None)

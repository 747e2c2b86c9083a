"""Refunds on their way to billing: claimed, sent outside any transaction, written down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from core import mail
from core.money import money_string
from customers.services import record_refund
from orders import billing, letters
from orders.billing import BillingUnavailableError
from orders.models import Order, OutboxEvent, Refund
from orders.services.recording import announce, lock_order, record_status, refund_body

ACTOR = "send_refunds"
MOST = 20
"""Refunds of one round."""
ROUND_SECONDS = 15
"""A round takes nothing more up after this."""
LEASE = timedelta(seconds=60)
"""Longer than a refund is held: what a sender that died had taken is sent after this."""

CLAIM = """
UPDATE orders_refund SET next_try_at = %(lease)s, tries = tries + 1
WHERE id = ANY(ARRAY(SELECT id FROM orders_refund WHERE status = 'requested' AND next_try_at <= %(now)s
                     ORDER BY next_try_at FOR UPDATE SKIP LOCKED LIMIT 1))
RETURNING id
"""


def send_refunds(*, now: datetime, seconds: float = ROUND_SECONDS) -> int:
    """Sends what was requested; returns how many billing made. The refund's id is the key: twice refunds once.

    A round sends `MOST`, and takes none up after `seconds`.
    """
    return sum(send(refund, now=now) for refund in taken(now=now, seconds=seconds))


def taken(*, now: datetime, seconds: float) -> Iterator[Refund]:
    """What a round sends, taken one at a time: a slow billing service holds none of them beyond its lease."""
    began = time.monotonic()
    for _turn in range(MOST):
        spent = time.monotonic() - began
        refund = claim(now=now, lease=now + timedelta(seconds=spent) + LEASE) if spent <= seconds else None
        if refund is None:
            return
        yield refund


def claim(*, now: datetime, lease: datetime) -> Refund | None:
    """Takes the refund that is due the longest until `lease`, so that no two workers send it."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": lease})
        found = cursor.fetchone()
    return Refund.objects.select_related("attempt").get(pk=found[0]) if found else None


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
    """The money went back. It is written down, counted and told once."""
    order = lock_order(Q(session__attempts=refund.attempt_id))
    waiting = Refund.objects.filter(pk=refund.pk, status=Refund.Status.REQUESTED)
    if order is None or not waiting.update(status=Refund.Status.DONE, made_at=now, next_try_at=None):
        return
    if refund.was_sale:
        take_off(order, refund, now=now)
    mail.queue_all([letters.about(order, letters.REFUNDED, now=now, event=str(refund.pk), refund=str(refund.pk))])
    announce(OutboxEvent.Topic.REFUNDED, [order], now=now, refund=refund_body(refund))


def take_off(order: Order, refund: Refund, *, now: datetime) -> None:
    """Part of what the order earned is earned no more."""
    before, order.refunded_amount = order.refunded_amount, order.refunded_amount + refund.amount
    order.save(update_fields=["refunded_amount"])
    old = money_string(before, order.currency)
    record_status([(order, old)], actor=ACTOR, reason=refund.reason, now=now, field="refunded_amount")
    record_refund(customer_id=order.customer_id, amount=refund.amount)

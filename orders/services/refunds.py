"""Refunds on their way to billing: claimed, sent outside any transaction, written down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from core import logs, mail
from core.money import money_string
from customers.services import record_refunds
from orders import letters
from orders.models import Order, OutboxEvent, Refund
from orders.providers import registry
from orders.providers.contract import BillingUnavailableError, PollError, RefundRefusedError
from orders.services.recording import announce, lock_order, record_note, record_status, refund_body
from orders.services.settling import call_attention

ACTOR = "send_refunds"
MOST = 20
"""Refunds of one round."""
ROUND_SECONDS = 15
"""A round takes nothing more up after this."""
LEASE = timedelta(seconds=60)
"""Longer than a refund is held: what a sender that died had taken is sent after this."""

REFUSALS = 10
"""Times in a row that billing may refuse a refund, over some two hours, before staff must decide again."""

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


@logs.about()
def send(refund: Refund, *, now: datetime) -> bool:
    """Sends one refund. It is tried again, later and later; one that billing goes on refusing fails."""
    try:
        registry.provider_of(refund.of_attempt.provider).refund(
            checkout_id=refund.of_attempt.billing_checkout_id,
            amount=refund.amount,
            currency=refund.currency,
            key=str(refund.id),
        )
    except RefundRefusedError as refusal:
        refund.refusals += 1
        again = put_off if refund.refusals < REFUSALS else fail
        again(refund, str(refusal), now=now)
        return False
    except (BillingUnavailableError, PollError) as error:
        refund.refusals = 0
        put_off(refund, str(error.__cause__ or error), now=now)
        return False
    finish(refund, now=now)
    return True


def put_off(refund: Refund, error: str, *, now: datetime) -> None:
    """Tried again after a pause: 20 s, doubling to some 40 minutes."""
    pause = timedelta(seconds=10 * 2 ** min(refund.tries, 8))
    Refund.objects.filter(pk=refund.pk).update(
        next_try_at=now + pause, refusals=refund.refusals, last_error=error[:300]
    )


@transaction.atomic
def fail(refund: Refund, error: str, *, now: datetime) -> None:
    """Billing will not give this money back: whoever looks at the order decides anew. Written down and told once."""
    order = lock_order(Q(session__attempts=refund.attempt_id))
    waiting = Refund.objects.filter(pk=refund.pk, status=Refund.Status.REQUESTED)
    given_up = {"status": Refund.Status.FAILED, "next_try_at": None, "refusals": refund.refusals}
    if order is None or not waiting.update(**given_up, last_error=error[:300]):
        return
    amount = f"{money_string(refund.amount, refund.currency)} {refund.currency}"
    record_note(order, "refund", "failed", old=amount, actor=ACTOR, reason=error, now=now)
    call_attention(order, f"a refund of {amount} was refused: {error}", actor=ACTOR, now=now)


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
    record_refunds(amounts={order.customer_id: refund.amount})

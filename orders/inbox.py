"""The inbox of webhooks: each is stored before it is handled, handled once, and kept for 30 days.

What cannot be signed is counted and not stored: the disk is not for strangers to fill.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _

from core import counts, logs
from core.errors import InvalidInputError
from orders.models import PaymentAttempt, WebhookReceipt
from orders.providers import registry
from orders.providers.contract import NOT_AS_AGREED, SignedWebhook, Told, UnsignedWebhookError
from orders.services import settle_attempt
from orders.services.settling import contradicts

log = logging.getLogger(__name__)
COUNTED = "webhooks"
TAKEN_UP_FOR = timedelta(days=1)
"""After this a webhook whose attempt never came is left to staff."""
DIED_AFTER = timedelta(minutes=1)
"""One that is not handled by then was left by a process that died."""
MOST_TRIES = 10
AT_ONCE = 100
Outcome = WebhookReceipt.Outcome
UNFINISHED = (Outcome.RECEIVED, Outcome.UNMATCHED, Outcome.FAILED)
OF_NO_USE = (Outcome.UNMATCHED, Outcome.UNREADABLE, Outcome.CONTRADICTS)


class UnreadableWebhookError(InvalidInputError):
    """It is signed, but not a report as agreed, or about another order. It is kept; nothing else changes."""

    message = _("This is not a report about a pay session.")


def receive(*, provider: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Stores a webhook and handles it; False for one that came before, which changes nothing.

    One that failed here, or whose payment attempt was not known, is handled when it comes again.

    Raises:
        UnsignedWebhookError: not signed, stale or altered. Nothing is stored.
        UnreadableWebhookError: signed, but nothing to settle by.
    """
    try:
        webhook = registry.named(provider).verify(body=body, headers=headers, now=now)
    except UnsignedWebhookError as refusal:
        note(refusal.kind, provider=provider, now=now)
        raise
    receipt_id, outcome, is_new = store(webhook, provider=provider, now=now)
    if not is_new:
        note("repeated", provider=provider, now=now)
        if outcome not in UNFINISHED:
            return False
    receipt, by_us = handle(receipt_id, now=now)
    if by_us and receipt.outcome in (Outcome.UNREADABLE, Outcome.CONTRADICTS):
        raise UnreadableWebhookError
    return by_us and (is_new or receipt.outcome != outcome)


def note(kind: str, *, provider: str, now: datetime) -> None:
    """Counts a webhook that is not handled, and says so now and then."""
    counts.note(log, COUNTED, kind, f"webhook of {provider} is {kind}", now=now)


STORE = """
INSERT INTO orders_webhookreceipt (provider, webhook_id, checkout_id, headers, body, received_at, tries, outcome, error)
VALUES (%s, %s, '', %s::jsonb, %s, %s, 0, 'received', '')
ON CONFLICT (provider, webhook_id) DO NOTHING RETURNING id, outcome, true
"""
KNOWN = "SELECT id, outcome, false FROM orders_webhookreceipt WHERE provider = %s AND webhook_id = %s"


def store(webhook: SignedWebhook, *, provider: str, now: datetime) -> tuple[int, str, bool]:
    """Keeps the webhook as it came, unless its id is known; the receipt's id, its outcome, and whether it is new."""
    headers = WebhookReceipt._meta.get_field("headers").get_db_prep_save(webhook.headers, connection)
    with connection.cursor() as cursor:
        cursor.execute(STORE, [provider, webhook.webhook_id, headers, webhook.body, now])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(KNOWN, [provider, webhook.webhook_id])
            row = cursor.fetchone()
    assert row is not None  # noqa: S101 - receipts go after 30 days, an id is believed for 5 minutes
    return int(row[0]), str(row[1]), bool(row[2])


def handle(receipt_id: int, *, now: datetime, replayed_by: str = "") -> tuple[WebhookReceipt, bool]:
    """Does what a stored webhook says; the receipt, and whether it was done here.

    One that was handled, perhaps a moment ago by another, is left alone, unless somebody replays it.

    Raises:
        DatabaseError: it could not be done; the receipt says so.
    """
    try:
        receipt, by_us = settle(receipt_id, now=now, replayed_by=replayed_by)
    except DatabaseError as error:
        log.exception("webhook %s could not be handled", receipt_id)
        counts.count(COUNTED, Outcome.FAILED, now=now)
        WebhookReceipt.objects.filter(pk=receipt_id).update(outcome=Outcome.FAILED, error=str(error)[:300])
        raise
    if by_us and receipt.outcome in OF_NO_USE:
        counts.count(COUNTED, receipt.outcome, now=now)
    return receipt, by_us


@transaction.atomic
def settle(receipt_id: int, *, now: datetime, replayed_by: str) -> tuple[WebhookReceipt, bool]:
    """The same, in one transaction. The receipt is locked first, then the order: of two that race one does it."""
    receipt = WebhookReceipt.objects.select_for_update().get(pk=receipt_id)
    to_do = receipt.outcome in UNFINISHED or bool(replayed_by)
    if to_do:
        receipt.tries, receipt.handled_at, receipt.error = receipt.tries + 1, now, ""
        receipt.outcome = outcome_of(receipt, actor=actor_of(receipt, replayed_by), now=now)
        receipt.save(update_fields=["tries", "handled_at", "error", "outcome", "checkout_id", "body"])
    return receipt, to_do


def actor_of(receipt: WebhookReceipt, replayed_by: str) -> str:
    """Who changed an order, as its history says: the webhook of that provider, and whoever handled it once more."""
    webhook = f"{receipt.provider} webhook"
    return f"{webhook}, replayed by {replayed_by}"[:120] if replayed_by else webhook


def outcome_of(receipt: WebhookReceipt, *, actor: str, now: datetime) -> Outcome:
    """What comes of the receipt; says on it why, if nothing can."""
    try:
        told = registry.named(receipt.provider).read(bytes(receipt.body))
    except NOT_AS_AGREED as error:
        return complain(receipt, Outcome.UNREADABLE, repr(error))
    if told is None:
        receipt.body = b""  # whatever it tells, and of whom, is not ours to keep
        return Outcome.NO_CHANGE
    receipt.checkout_id = told.checkout_id
    attempt = PaymentAttempt.objects.filter(provider=receipt.provider, billing_checkout_id=told.checkout_id).first()
    if attempt is None:
        log.warning(
            "webhook %s of %s is about %s, which is not known", receipt.webhook_id, receipt.provider, told.checkout_id
        )
        return Outcome.UNMATCHED
    if contradicts(told.report, attempt):
        return complain(receipt, Outcome.CONTRADICTS, f"billing's order is {attempt.billing_order_id}")
    return outcome_for(attempt, told, actor=actor, now=now)


def outcome_for(attempt: PaymentAttempt, told: Told, *, actor: str, now: datetime) -> Outcome:
    """Settles the attempt by what was told of it."""
    settled = settle_attempt(billing_checkout_id=told.checkout_id, report=told.report, actor=actor, now=now)
    return Outcome.NO_CHANGE if settled is None or settled.status == attempt.status else Outcome.SETTLED


def complain(receipt: WebhookReceipt, outcome: Outcome, error: str) -> Outcome:
    """Says why a signed webhook is of no use."""
    receipt.error = error[:300].replace("\0", "")
    log.error("webhook %s of %s is %s: %s", receipt.webhook_id, receipt.provider, outcome, receipt.error)
    return outcome


def replay(*, receipt_id: int, actor: str, now: datetime) -> WebhookReceipt:
    """Handles a webhook once more, as if it came now. What it settled before it does not settle twice.

    Raises:
        WebhookReceipt.DoesNotExist: it is not kept any more.
        DatabaseError: it could not be done; the receipt says so.
    """
    receipt, _done = handle(receipt_id, replayed_by=actor, now=now)
    return receipt


# Of those that wait for their attempt only such whose attempt is there now; and what a dead process left.
WAITING = """
UPDATE orders_webhookreceipt SET tries = tries + 1
WHERE id = ANY(ARRAY(
    SELECT r.id FROM orders_webhookreceipt r
    WHERE r.outcome IN ('received', 'unmatched') AND r.tries < %(tries)s AND r.received_at > %(since)s
      AND CASE r.outcome WHEN 'received' THEN r.received_at <= %(died)s
          ELSE EXISTS (SELECT FROM orders_paymentattempt a
                       WHERE a.billing_checkout_id = r.checkout_id AND a.provider = r.provider) END
    ORDER BY r.tries, r.received_at FOR UPDATE SKIP LOCKED LIMIT %(most)s
))
RETURNING id
"""


def take_up(*, now: datetime) -> int:
    """Handles the webhooks that came before their payment attempt was stored; returns how many were settled by it.

    A job and not the storing of the attempt: the two may happen at the same moment, and neither would see the other.
    """
    with connection.cursor() as cursor:
        since, died = now - TAKEN_UP_FOR, now - DIED_AFTER
        cursor.execute(WAITING, {"tries": MOST_TRIES, "since": since, "died": died, "most": AT_ONCE})
        ids = sorted(row[0] for row in cursor.fetchall())
    return sum(is_settled(receipt_id, now=now) for receipt_id in ids)


@logs.about()
def is_settled(receipt_id: int, *, now: datetime) -> bool:
    """Handles one; an error is its own, and does not keep the others waiting."""
    try:
        receipt, by_us = handle(receipt_id, now=now)
    except DatabaseError:
        return False  # it is logged, and stands on the receipt
    return by_us and receipt.outcome == Outcome.SETTLED

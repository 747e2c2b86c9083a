"""Expiry and cancelling: billing is asked first, outside any transaction, whether the money came after all."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core import logs
from core.errors import DomainError
from orders.models import Order, OrderSession, PaymentAttempt
from orders.providers import calls, registry
from orders.providers.contract import AlreadyPaidError, PollError, Report
from orders.providers.waiting import result_of
from orders.services.asking import AT_ONCE, LOT, Round, answer_about, ask_about, ask_each, believed
from orders.services.recording import lock_by_id
from orders.services.settling import settle_attempt
from orders.services.transitions import end_unpaid

log = logging.getLogger(__name__)
BILLING_GRACE = timedelta(minutes=2)
"""How long an expired order with an open attempt waits for a billing service that cannot be reached."""
BATCH = 500
CLOSING_SECONDS = 12
ASKING_SECONDS = 15
"""A run begins no further batch, or question, after so long. The rest is the next run's: other jobs have their turn."""
ACTOR = "expire_orders"
UNREAD = ("shipping_address", "billing_address", "tax_lines", "first_touch", "last_touch")
"""Of an order, when it expires: half of its row."""
LEASE = timedelta(seconds=45)
"""Longer than a question is held: one that died with its worker is asked again after this."""
ASK_AGAIN_AFTER = timedelta(seconds=5)

CLAIM = """
UPDATE orders_paymentattempt SET asked_at = %(lease)s
WHERE id = ANY(ARRAY(
    SELECT a.id FROM orders_ordersession s JOIN orders_paymentattempt a ON a.order_session_id = s.id
    WHERE s.status = 'active' AND s.expires_at <= %(now)s AND a.status = 'open'
      AND (a.asked_at IS NULL OR a.asked_at <= %(before)s)
    ORDER BY s.expires_at FOR UPDATE OF a SKIP LOCKED LIMIT %(most)s
))
RETURNING id
"""


class OrderNotCancellableError(DomainError):
    """Only a pending order can be cancelled."""

    code, status = "ORDER_NOT_CANCELLABLE", 409
    message = _("This order can no longer be cancelled.")


def cancel_order(*, order_id: UUID, actor: str, now: datetime) -> Order:
    """Cancels a pending order: stock and coupon go back, the pay session is cancelled at billing. One whose window has
    passed is not cancelled any more but expires.

    Raises:
        OrderNotCancellableError: it is paid or closed, or turns out to be.
    """
    if OrderSession.objects.due(now).filter(order_id=order_id).exists():
        expire_order(order_id=order_id, now=now)
        raise OrderNotCancellableError
    for attempt, word in ask_last_question(order_id):
        if isinstance(word, Report) and word.status == PaymentAttempt.Status.SUCCESS:
            settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=word, actor=actor, now=now)
    with transaction.atomic():
        order = lock_by_id(order_id)
        if order.status != Order.Status.PENDING:
            raise OrderNotCancellableError
        end_unpaid([order], Order.Status.CANCELLED, actor=actor, reason="cancelled", now=now)
    return order


def expire_order(*, order_id: UUID, now: datetime) -> Order:
    """Expires one order whose window has passed, without waiting for the job. Unchanged if its time has not come."""
    asked = True
    for attempt, word in ask_last_question(order_id):
        if isinstance(word, Report):
            settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=word, actor=ACTOR, now=now)
        else:
            asked = False
    with transaction.atomic():
        order = lock_by_id(order_id)
        order.session.refresh_from_db(fields=["expires_at"])  # staff may have given more while we waited for the lock
        due = order.status == Order.Status.PENDING and now >= order.session.expires_at
        if due and (asked or now >= order.session.expires_at + BILLING_GRACE):
            end_unpaid([order], Order.Status.EXPIRED, actor=ACTOR, reason="window passed", now=now)
    return order


@dataclass
class Expiry(Round):
    """What a run of expiry did: orders `expired`, and `paid` by billing's last word, together `changed`. `still_open`
    are those for which billing is waited.
    """

    expired: int = 0
    paid: int = 0


def expire_due(*, now: datetime) -> Expiry:
    """Expires the orders whose window has passed, the oldest first. Safe to run many times at once."""
    result = Expiry()
    expire_batches(result, now=now)  # first, so that a slow billing service holds up those alone that wait for it
    away = ask_last_questions(result, now=now)
    expire_batches(result, now=now, away=away)
    result.checked = result.expired + result.paid + result.still_open
    return result


def expire_batches(result: Expiry, *, now: datetime, away: bool = False) -> None:
    """Closes the due orders that need not wait for billing, as far as a run's time goes."""
    began = time.monotonic()
    while time.monotonic() - began < CLOSING_SECONDS and (closed := expire_batch(now=now, away=away)):
        result.expired += closed
        result.changed += closed


@transaction.atomic
def expire_batch(*, now: datetime, away: bool = False) -> int:
    """Closes up to `BATCH` due orders without an open attempt, or whose time to wait for billing is over.

    The windows are locked too, so that PostgreSQL looks again at one that was extended this very moment.
    """
    due = due_orders(now=now, away=away).select_related("session").defer(*UNREAD)
    orders = list(due.select_for_update(of=("self", "session"), skip_locked=True, no_key=True)[:BATCH])
    if orders:
        end_unpaid(orders, Order.Status.EXPIRED, actor=ACTOR, reason="window passed", now=now)
    return len(orders)


def due_orders(*, now: datetime, away: bool) -> QuerySet[Order]:
    """Due orders that billing has nothing to say about any more, the oldest window first.

    An open attempt holds its order up until billing was asked in vain and the grace is over; while billing is `away`
    the grace alone counts.
    """
    waiting = PaymentAttempt.objects.filter(order_session=OuterRef("session"), status=PaymentAttempt.Status.OPEN)
    asked_in_vain = Q() if away else Q(asked_at__lte=now)
    held_up = Exists(waiting.exclude(asked_in_vain & Q(order_session__expires_at__lte=now - BILLING_GRACE)))
    due = Order.objects.pending().filter(session__status=OrderSession.Status.ACTIVE, session__expires_at__lte=now)
    return due.exclude(held_up).order_by("session__expires_at")


def ask_last_questions(result: Expiry, *, now: datetime) -> bool:
    """Asks billing about the open attempts of due orders, and settles its last words; True if it cannot be reached."""
    questions = Questions(now)
    for attempt, answer in ask_about(last_word, questions.take):
        word = believed(attempt, answer)
        if isinstance(word, PollError):
            questions.in_vain += 1
            result.still_open += attempt.order_session.expires_at > now - BILLING_GRACE
            result.fail(word.kind)
            PaymentAttempt.objects.filter(pk=attempt.pk).update(asked_at=now)
            continue
        questions.answered += 1
        settle_last_word(result, attempt, word, now=now)
    return questions.away


@dataclass
class Questions:
    """What a run may ask still, and how it went so far."""

    now: datetime
    answered: int = 0
    in_vain: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def away(self) -> bool:
        """Whether billing cannot be reached: a whole crew of callers heard nothing."""
        return not self.answered and self.in_vain >= AT_ONCE

    def take(self) -> list[PaymentAttempt]:
        """Some of the attempts to ask about, taken so that no other worker asks; none once the run had its share."""
        spent = time.monotonic() - self.began
        return [] if spent > ASKING_SECONDS or self.away else claim_questions(now=self.now, spent=spent)


def claim_questions(*, now: datetime, spent: float = 0) -> list[PaymentAttempt]:
    """Takes open attempts of due orders, the oldest window first. `spent`: seconds since `now`."""
    lease, before = now + timedelta(seconds=spent) + LEASE, now - ASK_AGAIN_AFTER
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": lease, "before": before, "most": LOT})
        ids = [row[0] for row in cursor.fetchall()]
    return list(PaymentAttempt.objects.filter(id__in=ids).select_related("order_session")) if ids else []


@logs.about()
def settle_last_word(result: Expiry, attempt: PaymentAttempt, word: Report, *, now: datetime) -> None:
    """What billing says at last becomes the attempt's state. One that cannot be settled does not spoil the others."""
    try:
        settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=word, actor=ACTOR, now=now)
    except DatabaseError:
        log.exception("attempt %s could not be settled; billing is asked again", attempt.id)
        result.fail("database")
        result.still_open += 1
        return
    if word.status == PaymentAttempt.Status.SUCCESS:
        result.paid += 1
        result.changed += 1


def ask_last_question(order_id: UUID) -> list[tuple[PaymentAttempt, Report | PollError]]:
    """Billing's last word on the attempt of one order that could still bring money, if there is one."""
    attempts = list(PaymentAttempt.objects.filter(order_session__order_id=order_id, status=PaymentAttempt.Status.OPEN))
    if not attempts:
        return []
    words: list[Report | PollError]
    try:
        words = result_of(lambda: calls.callers().submit(ask_each, last_word, attempts), seconds=calls.LONGEST_SECONDS)
    except TimeoutError as error:
        words = [calls.silence(error)] * len(attempts)
    return [(attempt, believed(attempt, word)) for attempt, word in zip(attempts, words, strict=True)]


async def last_word(session: httpx2.AsyncClient, attempt: PaymentAttempt) -> Report | PollError:
    """Cancels a pay session: timeout if that worked, what was paid if it came too late, an error without an answer."""
    try:
        async with asyncio.timeout(calls.LONGEST_SECONDS):  # for both: somebody may be waiting
            return await cancelled_or_paid(session, attempt)
    except TimeoutError as error:
        return calls.silence(error)


async def cancelled_or_paid(session: httpx2.AsyncClient, attempt: PaymentAttempt) -> Report | PollError:
    """The same, however long it takes."""
    try:
        await registry.provider_of(attempt.provider).cancel(session, attempt.billing_checkout_id)
    except AlreadyPaidError:
        return await answer_about(session, attempt)
    except PollError as error:
        return error
    return Report(PaymentAttempt.Status.TIMEOUT)

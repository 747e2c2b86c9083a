"""Expiry and cancelling: billing is asked first, outside any transaction, whether the money came after all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from orders import billing
from orders.billing import AlreadyPaidError, BillingUnavailableError, PollError, Report
from orders.models import Order, OrderSession, PaymentAttempt
from orders.services.ending import end_unpaid
from orders.services.recording import lock_by_id
from orders.services.settling import settle_attempt

BILLING_GRACE = timedelta(minutes=2)
"""How long an expired order with an open attempt waits for a billing service that cannot be reached."""
BATCH = 500


class OrderNotCancellableError(DomainError):
    """Only a pending order can be cancelled."""

    code, status = "ORDER_NOT_CANCELLABLE", 409
    message = _("This order can no longer be cancelled.")


def cancel_order(*, order_id: UUID, actor: str, now: datetime) -> Order:
    """Cancels a pending order: stock and coupon go back, the pay session is cancelled at billing.

    Raises:
        OrderNotCancellableError: it is paid or closed, or turns out to be paid.
    """
    attempt = open_attempt(order_id)
    for word in last_words([attempt] if attempt else []):
        if attempt and word and word.status == PaymentAttempt.Status.SUCCESS:
            settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=word, actor=actor, now=now)
    with transaction.atomic():
        order = lock_by_id(order_id)
        if order.status != Order.Status.PENDING:
            raise OrderNotCancellableError
        end_unpaid([order], Order.Status.CANCELLED, actor=actor, reason="cancelled", now=now)
    return order


def expire_order(*, order_id: UUID, now: datetime) -> Order:
    """Expires one order whose window has passed, without waiting for the job. Unchanged if its time has not come."""
    attempt = open_attempt(order_id)
    asked = settle_last_words([attempt] if attempt else [], actor="expire_orders", now=now)
    with transaction.atomic():
        order = lock_by_id(order_id)
        due = order.status == Order.Status.PENDING and now >= order.session.expires_at
        if due and (asked or now >= order.session.expires_at + BILLING_GRACE):
            end_unpaid([order], Order.Status.EXPIRED, actor="expire_orders", reason="window passed", now=now)
    return order


def expire_due(*, now: datetime) -> int:
    """Expires every order whose window has passed; returns how many. Safe to run many times at once."""
    expired = expire_batches(now=now)  # first, so that a slow billing service holds up those alone that wait for it
    attempts = open_attempts_due(now)
    settle_last_words(attempts, actor="expire_orders", now=now)
    return expired + (expire_batches(now=now) if attempts else 0)


def open_attempts_due(now: datetime) -> list[PaymentAttempt]:
    """Open attempts of due orders: billing must be asked about them first."""
    due = OrderSession.objects.due(now).filter(attempts__status=PaymentAttempt.Status.OPEN)
    attempts = PaymentAttempt.objects.filter(status=PaymentAttempt.Status.OPEN, order_session__in=due)
    return list(attempts.order_by("order_session__expires_at")[:BATCH])


def expire_batches(*, now: datetime) -> int:
    """Closes every due order that need not wait for billing; returns how many."""
    expired = 0
    while count := expire_batch(now=now):
        expired += count
    return expired


@transaction.atomic
def expire_batch(*, now: datetime) -> int:
    """Closes up to `BATCH` due orders without an open attempt, or whose time to wait for billing is over."""
    orders = list(lock_due(now=now))
    if orders:
        end_unpaid(orders, Order.Status.EXPIRED, actor="expire_orders", reason="window passed", now=now)
    return len(orders)


def lock_due(*, now: datetime) -> Iterable[Order]:
    """Due orders in id order, locked; those that somebody else has locked are left to them."""
    waiting = PaymentAttempt.objects.filter(
        status=PaymentAttempt.Status.OPEN, order_session__status=OrderSession.Status.ACTIVE,
        order_session__expires_at__gt=now - BILLING_GRACE, order_session__expires_at__lte=now,
    )  # fmt: skip
    due = OrderSession.objects.due(now).exclude(id__in=waiting.values("order_session_id"))
    return (
        Order.objects.pending()
        .filter(id__in=due.values("order_id"))
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("id")[:BATCH]
    )


def settle_last_words(attempts: Sequence[PaymentAttempt], *, actor: str, now: datetime) -> bool:
    """Billing's last word on open attempts becomes their state. False if billing is silent about one."""
    words = last_words(attempts)
    for attempt, word in zip(attempts, words, strict=True):
        if word is not None:
            settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=word, actor=actor, now=now)
    return all(word is not None for word in words)


def open_attempt(order_id: UUID) -> PaymentAttempt | None:
    """The attempt that could still bring money."""
    return PaymentAttempt.objects.filter(order_session__order_id=order_id, status=PaymentAttempt.Status.OPEN).first()


def last_words(attempts: Sequence[PaymentAttempt]) -> list[Report | None]:
    """Cancels pay sessions, many at once: timeout if that worked, what was paid if it came too late, None without an
    answer.
    """
    return billing.for_each(last_word, [attempt.billing_checkout_id for attempt in attempts])


async def last_word(session: httpx2.AsyncClient, checkout_id: str) -> Report | None:
    """The same for one."""
    try:
        await billing.cancel(session, checkout_id)
    except AlreadyPaidError:
        return await paid_report(session, checkout_id)
    except BillingUnavailableError:
        return None
    return Report(PaymentAttempt.Status.TIMEOUT)


async def paid_report(session: httpx2.AsyncClient, checkout_id: str) -> Report | None:
    """What was paid; None without an answer."""
    try:
        return await billing.ask(session, checkout_id)
    except PollError:
        return None

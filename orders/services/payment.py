"""Payment attempts: opened at billing outside any transaction, written down under the order's lock."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from core import logs
from core.errors import DomainError
from core.rows import insert_together
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt
from orders.providers import registry
from orders.providers.calls import log
from orders.providers.contract import AlreadyPaidError, BillingUnavailableError, PaySession
from orders.services.closing import expire_order
from orders.services.recording import announce, at_hand, attempt_change, lock_by_id

ACTOR = "customer"
"""Whoever opens an attempt: by confirming, by trying again, or by the link of a mail."""


class SessionNotActiveError(DomainError):
    """The order is paid or closed: there is nothing to pay."""

    code, status = "SESSION_NOT_ACTIVE", 409
    message = _("This order can no longer be paid.")


class SessionExpiredError(DomainError):
    """The payment window has passed."""

    code, status = "SESSION_EXPIRED", 409
    message = _("This payment window has ended. Please place a new order.")


class MaxAttemptsReachedError(DomainError):
    """All attempts are used up."""

    code, status = "MAX_ATTEMPTS_REACHED", 409
    message = _("All payment attempts of this order are used up.")


class PaymentInProgressError(DomainError):
    """An attempt is open: pay there. `details.paymentUrl` says where."""

    code, status = "PAYMENT_IN_PROGRESS", 409
    message = _("A payment of this order is under way.")


def start_payment(*, order: Order, now: datetime) -> PaymentAttempt | None:
    """Opens the order's next attempt at billing. None for an order that is paid already (nothing to pay).

    A failed opening uses up no attempt, nor does one whose window passed while billing was asked. Two that open at once
    send the same key and get the same pay session.

    Raises:
        BillingUnavailableError, SessionNotActiveError, SessionExpiredError, MaxAttemptsReachedError
    """
    logs.note(order=order.number)
    if order.status == Order.Status.SUCCESS:
        return None
    check_payable(order, now=now)
    number = order.session.payment_attempts + 1
    provider, began = settings.PAYMENT_PROVIDER, time.monotonic()
    opened = registry.to_open(provider).open_pay_session(
        reference=order.number,
        amount=order.total,
        currency=order.currency,
        description=f"{settings.SHOP_NAME} {order.number}",
        return_url=settings.BILLING_RETURN_URL.format(order_id=order.id),
        expires_at=order.session.expires_at,
        key=f"{order.session.id}-{number}",
    )
    now += timedelta(seconds=time.monotonic() - began)
    try:
        attempt = record_attempt(order, number=number, provider=provider, opened=opened, now=now)
    except (IntegrityError, DataError) as error:
        log.error("pay session %s of order %s cannot be used: %s", opened.checkout_id, order.number, error)
        raise BillingUnavailableError from error
    if attempt is None:
        withdraw(opened, provider=provider)
        check_payable(Order.objects.select_related("session").get(pk=order.pk), now=now)
        raise SessionNotActiveError
    return attempt


def retry_payment(*, order_id: UUID, now: datetime) -> PaymentAttempt:
    """The customer's next attempt, after one that failed. A window that has passed is closed on the spot.

    Raises:
        PaymentInProgressError: the attempt before is still open.
        BillingUnavailableError, SessionNotActiveError, SessionExpiredError, MaxAttemptsReachedError
    """
    order = Order.objects.select_related("session").get(pk=order_id)
    session = order.session
    if session.status == OrderSession.Status.ACTIVE and now >= session.expires_at:
        expire_order(order_id=order_id, now=now)
        raise SessionExpiredError
    open_attempt = session.attempts.filter(status=PaymentAttempt.Status.OPEN).first()
    if open_attempt is not None and session.status == OrderSession.Status.ACTIVE:
        raise PaymentInProgressError(details={"paymentUrl": open_attempt.payment_url})
    attempt = start_payment(order=order, now=now)
    if attempt is None:
        raise SessionNotActiveError
    return attempt


def check_payable(order: Order, *, now: datetime) -> None:
    """Whether another attempt may be opened. An order failed because its attempts were used up: that is what is said.

    Raises:
        SessionNotActiveError, SessionExpiredError, MaxAttemptsReachedError
    """
    session = order.session
    if order.status == Order.Status.FAILED:
        raise MaxAttemptsReachedError
    if session.status == OrderSession.Status.EXPIRED:
        raise SessionExpiredError
    if session.status != OrderSession.Status.ACTIVE:
        raise SessionNotActiveError
    if now >= session.expires_at:
        raise SessionExpiredError
    if session.remaining_attempts <= 0:
        raise MaxAttemptsReachedError


# The order is locked first, as everywhere; whoever waited for it sees what the other has made of it.
NOTE_ATTEMPT = """
WITH held AS (SELECT id FROM orders_order WHERE id = %(order)s AND status = 'pending' FOR NO KEY UPDATE)
UPDATE orders_ordersession s SET payment_attempts = %(number)s, last_payment_attempt_at = %(now)s
FROM held WHERE s.order_id = held.id AND s.payment_attempts = %(number)s - 1 AND s.expires_at > %(now)s
RETURNING s.id
"""


@transaction.atomic
def record_attempt(
    order: Order, *, number: int, provider: str, opened: PaySession, now: datetime
) -> PaymentAttempt | None:
    """Writes the attempt down; None if the order was closed, or its window passed, while billing was asked.

    Raises:
        IntegrityError, DataError: billing answered with a pay session that is another order's, or none at all.
    """
    session = order.session
    with connection.cursor() as cursor:
        cursor.execute(NOTE_ATTEMPT, {"order": order.id, "number": number, "now": now})
        noted = cursor.fetchone() is not None
    if not noted:
        return open_beside(lock_by_id(order.id), number)
    session.payment_attempts, session.last_payment_attempt_at = number, now
    attempt = PaymentAttempt(
        order_session=session,
        number=number,
        provider=provider,
        billing_checkout_id=opened.checkout_id,
        billing_order_id=opened.order_id,
        payment_url=opened.pay_url,
        amount=order.total,
        currency=order.currency,
        next_poll_at=now + timedelta(seconds=settings.BILLING_POLL_SECONDS),
        opened_at=now,
    )
    insert_together([attempt, attempt_change(order, attempt, "", actor=ACTOR, reason="", now=now)])
    if number == 1:
        at_hand(session, "attempts", [attempt])
    else:
        announce(OutboxEvent.Topic.PAYMENT_RETRY, [order], now=now, attempt=number)
    return attempt


def open_beside(order: Order, number: int) -> PaymentAttempt | None:
    """The attempt that another request wrote down at the same moment, if the order is still to be paid."""
    if order.status != Order.Status.PENDING:
        return None
    return PaymentAttempt.objects.filter(order_session=order.session, number=number).first()


def withdraw(opened: PaySession, *, provider: str) -> None:
    """Takes back a pay session that came too late. If even that fails the provider times it out by itself."""
    try:
        registry.named(provider).cancel_pay_session(opened.checkout_id)
    except (AlreadyPaidError, BillingUnavailableError):
        log.error("pay session %s was opened too late and could not be cancelled", opened.checkout_id)

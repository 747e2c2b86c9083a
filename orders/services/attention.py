"""What staff decide about money that needs attention: send it back, take it as payment, or leave it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.money import money_string
from orders.models import Order, PaymentAttempt
from orders.services.recording import lock_by_id, record_status
from orders.services.settling import become_paid, request_refund


class NothingToDecideError(DomainError):
    """Somebody has decided meanwhile, or there never was anything to decide."""

    code, status = "NOTHING_TO_DECIDE", 409
    message = _("There is nothing to decide here any more.")


class AlreadyPaidForError(DomainError):
    """The order is paid by other money: what came besides can only go back."""

    code, status = "ALREADY_PAID", 409
    message = _("This order is paid already. What came besides can only be sent back.")


class SoldOutError(DomainError):
    """The order was closed and its pieces are sold: it cannot be taken up again."""

    code, status = "SOLD_OUT", 409
    message = _("What was ordered is sold out meanwhile. Send the money back.")


@transaction.atomic
def refund_attention(*, order_id: UUID, reason: str, actor: str, now: datetime) -> Order:
    """Sends back all that came for the order and never counted as its payment; a job tells billing. Never twice.

    Raises:
        NothingToDecideError: no such money is here.
    """
    order = lock_by_id(order_id)
    attempts = list(undecided(order))
    if not order.needs_attention or not attempts:
        raise NothingToDecideError
    for attempt in attempts:
        request_refund(attempt, reason, now=now)
    told = ", ".join(taken(attempt) for attempt in attempts)
    return settle_attention(order, f"sent back {told}: {reason}", actor=actor, now=now)


@transaction.atomic
def accept_attention(*, order_id: UUID, reason: str, actor: str, now: datetime) -> Order:
    """Takes what came last as the order's whole payment, though it differs. The order becomes paid at its own total.

    Other money that came for it besides goes back. An order that was closed takes its pieces again.

    Raises:
        NothingToDecideError: no such money is here.
        AlreadyPaidForError, SoldOutError
    """
    order = lock_by_id(order_id)
    attempts = list(undecided(order))
    if not order.needs_attention or not attempts:
        raise NothingToDecideError
    if order.status == Order.Status.SUCCESS:
        raise AlreadyPaidForError
    *others, accepted = attempts
    for attempt in others:
        request_refund(attempt, reason, now=now)
    accepted.counted_at = now
    accepted.save(update_fields=["counted_at"])
    if not become_paid(order, actor=actor, reason="accepted", now=now):
        raise SoldOutError
    return settle_attention(order, f"accepted {taken(accepted)}: {reason}", actor=actor, now=now)


@transaction.atomic
def dismiss_attention(*, order_id: UUID, reason: str, actor: str, now: datetime) -> Order:
    """Takes the order off the queue. Money stays where it is, and stock as it is.

    Raises:
        NothingToDecideError: it is not on the queue.
    """
    order = lock_by_id(order_id)
    if not order.needs_attention:
        raise NothingToDecideError
    return settle_attention(order, f"dismissed: {reason}", actor=actor, now=now)


def undecided(order: Order) -> list[PaymentAttempt]:
    """Attempts whose money nobody has decided about, the first that came first."""
    return list(PaymentAttempt.objects.filter(order_session=order.session).undecided().order_by("resolved_at", "id"))


def taken(attempt: PaymentAttempt) -> str:
    """What billing took, for the history."""
    return f"{money_string(attempt.paid_amount, attempt.paid_currency)} {attempt.paid_currency}"


def settle_attention(order: Order, reason: str, *, actor: str, now: datetime) -> Order:
    """Somebody has looked."""
    before, order.needs_attention = order.needs_attention, ""
    order.save(update_fields=["needs_attention"])
    record_status([(order, before)], actor=actor, reason=reason[:200], now=now, field="needs_attention")
    return order

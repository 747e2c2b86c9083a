"""What billing reports becomes the order's state: money that came, money that came late, money that did not come.

The webhook and the poll both call `settle_attempt`; whichever hears first settles, the other changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import StockMovement
from catalog.services import OutOfStockError, reserve_stock
from core.money import ZERO, money_string
from orders.models import Order, PaymentAttempt, Refund
from orders.providers.contract import Report
from orders.services.recording import attempt_change, lock_order, record_status
from orders.services.transitions import WATCH_EVERY, end_unpaid, mark_paid
from orders.signals import payment_failed
from sessions_app.services import record as record_event

log = logging.getLogger(__name__)
Status = PaymentAttempt.Status


@transaction.atomic
def settle_attempt(*, billing_checkout_id: str, report: Report, actor: str, now: datetime) -> PaymentAttempt | None:
    """Brings an attempt and its order in line with what billing says. Twice, late or out of order is harmless.

    Returns the attempt, None if we do not know it. `open` and `unknown` change nothing here.
    """
    order = lock_order(Q(session__attempts__billing_checkout_id=billing_checkout_id))
    if order is None:
        return None
    attempt = PaymentAttempt.objects.get(billing_checkout_id=billing_checkout_id)
    attempt.order_session = order.session
    if contradicts(report, attempt):
        log.error("billing's report on %s is about its order %s", billing_checkout_id, report.order_id)
    elif report.status == Status.SUCCESS and attempt.status != Status.SUCCESS:
        settle_success(order, attempt, report, actor=actor, now=now)
    elif report.status in (Status.FAILURE, Status.TIMEOUT) and attempt.status == Status.OPEN:
        settle_failure(order, attempt, Status(report.status), actor=actor, now=now)
    return attempt


def contradicts(report: Report, attempt: PaymentAttempt) -> bool:
    """Whether the report names another order of billing's than the one that was opened: it is believed in nothing."""
    return report.order_id not in ("", attempt.billing_order_id) and attempt.billing_order_id != ""


def settle_success(order: Order, attempt: PaymentAttempt, report: Report, *, actor: str, now: datetime) -> None:
    """Billing has the money. An amount or currency that differs from the attempt's is never accepted as payment."""
    attempt.paid_amount, attempt.paid_currency = report.amount or ZERO, report.currency
    agreed = (report.amount, report.currency) == (attempt.amount, attempt.currency)
    before = order.status
    attempt.counted_at = now if agreed and before != Order.Status.SUCCESS else None
    resolve(order, attempt, Status.SUCCESS, actor=actor, now=now)
    reason = "paid" if before == Order.Status.PENDING else "paid_late"
    if attempt.counted_at and become_paid(order, actor=actor, reason=reason, now=now):
        return
    if attempt.counted_at:
        attempt.counted_at = None
        attempt.save(update_fields=["counted_at"])
    if agreed:
        reason = "paid twice" if before == Order.Status.SUCCESS else "paid late, sold out meanwhile"
        request_refund(attempt, reason, now=now)
        call_attention(order, reason, actor=actor, now=now)
    else:
        paid = f"{report.amount} {report.currency}"
        due = f"{money_string(attempt.amount, attempt.currency)} {attempt.currency}"
        call_attention(order, f"billing took {paid} instead of {due}", actor=actor, now=now)


def settle_failure(order: Order, attempt: PaymentAttempt, status: Status, *, actor: str, now: datetime) -> None:
    """Billing will not get the money by this attempt. The last one allowed closes the order."""
    too_late = status == Status.TIMEOUT and now >= order.session.expires_at
    resolve(order, attempt, status, actor=actor, now=now, watched=too_late)
    if order.status != Order.Status.PENDING:
        return
    payment_failed.send(Order, orders=[order], attempt=attempt, now=now)
    if order.visitor_session_id:
        record_event(order.visitor_session_id, "payment_failed", now=now)
    if order.session.remaining_attempts == 0 and now < order.session.expires_at:
        end_unpaid([order], Order.Status.FAILED, actor=actor, reason=f"attempt {attempt.number}: {status}", now=now)


def resolve(
    order: Order, attempt: PaymentAttempt, status: Status, *, actor: str, now: datetime, watched: bool = False
) -> None:
    """The attempt is over. Billing need not be asked about it again, but for one that the end of its window ended."""
    before, attempt.status, attempt.resolved_at = attempt.status, status, now
    attempt.next_poll_at = now + WATCH_EVERY if watched else None
    money = ["paid_amount", "paid_currency", "counted_at"] if status == Status.SUCCESS else []
    attempt.save(update_fields=["status", "resolved_at", "next_poll_at", *money])
    attempt_change(order, attempt, before, actor=actor, reason="", now=now).save()


def become_paid(order: Order, *, actor: str, reason: str, now: datetime) -> bool:
    """Marks the order paid; False, and nothing has changed, if it was closed and its pieces are not to be had again."""
    if order.status == Order.Status.PENDING:
        mark_paid(order, actor=actor, reason=reason, now=now)
        return True
    try:
        with transaction.atomic():
            mark_paid(order, actor=actor, reason=reason, now=now)
            reserve_again(order)
    except OutOfStockError:
        order.refresh_from_db(fields=["status", "paid_at", "closed_at"])
        order.session.refresh_from_db(fields=["status"])
        return False
    return True


def reserve_again(order: Order) -> None:
    """Takes a closed order's pieces once more, all or none.

    Raises:
        OutOfStockError: they are not to be had, or no longer sold.
    """
    lines = order.items.all()
    if any(line.product_id is None for line in lines):
        raise OutOfStockError([])
    wanted = {line.product_id: line.quantity for line in lines if line.product_id}
    reserve_stock(quantities=wanted, order_id=order.id, reason=StockMovement.Reason.SOLD_LATE)


def request_refund(attempt: PaymentAttempt, reason: str, *, now: datetime) -> None:
    """Asks for money to go back that never counted as payment: what was taken. A job sends the refund to billing.

    Raises:
        IntegrityError: it was asked for before.
    """
    Refund.objects.create(
        attempt=attempt,
        amount=attempt.paid_amount,
        reason=reason[:200],
        was_sale=False,
        next_try_at=now,
        requested_at=now,
    )


def call_attention(order: Order, reason: str, *, actor: str, now: datetime) -> None:
    """Marks the order for staff."""
    before, order.needs_attention = order.needs_attention, reason[:200]
    order.save(update_fields=["needs_attention"])
    log.error("order %s needs attention: %s", order.number, reason)
    record_status([(order, before)], actor=actor, reason=reason[:200], now=now, field="needs_attention")

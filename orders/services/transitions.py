"""Every change of an order's status. The table says from where, and what goes with it; nothing else writes a status,
and PostgreSQL refuses the ways that are not in it.

The rows of the orders are locked by whoever calls; stock, coupon, checkout, totals and visit change in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.services import record_sale, release_stock
from core import mail
from core.rows import insert_together
from customers.services import record_paid_order
from orders import letters
from orders.models import CLOSED, Order, OrderSession, OrderStatusChange, OutboxEvent, PaymentAttempt
from orders.services.recording import announce, at_hand, attempt_change, lines_body, record_status
from orders.signals import order_closed, order_paid
from sessions_app.services import mark_converted

Status, Window, Topic = Order.Status, OrderSession.Status, OutboxEvent.Topic
WATCHED_AFTER_END = timedelta(hours=24)
"""How long billing is still asked about an attempt of a closed order: late money must not go unnoticed."""
WATCH_EVERY = timedelta(minutes=1)
"""How often, at first."""


class IllegalTransitionError(RuntimeError):
    """A mistake in our code: the order's row was not locked, or not looked at."""


@dataclass(frozen=True)
class Transition:
    """Where an order may come from, what its payment window becomes, and how others and the customer hear of it."""

    sources: frozenset[str]
    window: OrderSession.Status
    topic: OutboxEvent.Topic
    letter: str


NEW, OPEN = frozenset({""}), frozenset({Status.PENDING})
TO = {
    Status.PENDING: Transition(NEW, Window.ACTIVE, Topic.CREATED, letters.RECEIVED),
    Status.SUCCESS: Transition(OPEN.union(CLOSED), Window.COMPLETED, Topic.PAID, letters.PAID),  # closed: late money
    Status.FAILED: Transition(OPEN, Window.CANCELLED, Topic.FAILED, letters.FAILED),
    Status.EXPIRED: Transition(OPEN, Window.EXPIRED, Topic.EXPIRED, letters.EXPIRED),
    Status.CANCELLED: Transition(OPEN, Window.CANCELLED, Topic.CANCELLED, ""),  # who cancels knows it
}


def mark_paid(order: Order, *, actor: str, reason: str, now: datetime) -> list[OrderStatusChange]:
    """The order is paid: window completed, totals of customer and products, conversion. Returns the change.

    Products are the last, as everywhere: of two that take them in two orders each may wait for the other.

    Raises:
        IllegalTransitionError
    """
    before = moved(order, Status.SUCCESS)
    order.paid_at, order.closed_at = now, None
    order.save(update_fields=["status", "paid_at", "closed_at"])
    order.session.status = TO[Status.SUCCESS].window
    order.session.save(update_fields=["status"])
    history = record_status([(order, before)], actor=actor, reason=reason, now=now)
    at_hand(order, "items", list(order.items.all()))
    record_paid_order(customer_id=order.customer_id, total=order.total, placed_at=order.placed_at)
    if order.visitor_session_id:
        mark_converted(session_id=order.visitor_session_id, order_id=order.id, now=now)
    announce(TO[Status.SUCCESS].topic, [order], now=now, items=lines_body(order))
    tell_customers([order], Status.SUCCESS, now=now)
    order_paid.send(Order, orders=[order], now=now)
    record_sale(
        lines={item.product_id: (item.quantity, item.line_total) for item in order.items.all() if item.product_id}
    )
    return history


def end_unpaid(orders: Sequence[Order], status: Order.Status, *, actor: str, reason: str, now: datetime) -> None:
    """Closes pending orders: stock and coupon go back. Attempts still open are timed out but watched on.

    Raises:
        IllegalTransitionError
    """
    changed = [(order, moved(order, status)) for order in orders]
    ids = [order.id for order in orders]
    Order.objects.filter(id__in=ids).update(status=status, closed_at=now)
    OrderSession.objects.filter(order_id__in=ids).update(status=TO[status].window)
    time_out(orders, actor=actor, reason=reason, now=now)
    for order in orders:
        order.closed_at = now
    record_status(changed, actor=actor, reason=reason, now=now)
    announce(TO[status].topic, orders, now=now)
    tell_customers(orders, status, now=now)
    order_closed.send(Order, orders=list(orders), now=now)
    release_stock(order_ids=ids)


def time_out(orders: Sequence[Order], *, actor: str, reason: str, now: datetime) -> None:
    """Nobody should pay any more what is open still; billing is watched, for somebody may all the same."""
    by_id = {order.id: order for order in orders}
    waiting = PaymentAttempt.objects.filter(order_session__order_id__in=by_id, status=PaymentAttempt.Status.OPEN)
    found = {attempt: by_id[attempt.order_session.order_id] for attempt in waiting.select_related("order_session")}
    if not found:
        return
    for attempt in found:
        attempt.status, attempt.resolved_at = PaymentAttempt.Status.TIMEOUT, now
    PaymentAttempt.objects.filter(pk__in=[attempt.pk for attempt in found]).update(
        status=PaymentAttempt.Status.TIMEOUT, resolved_at=now, next_poll_at=now + WATCH_EVERY
    )
    insert_together(
        [
            attempt_change(order, attempt, PaymentAttempt.Status.OPEN, actor=actor, reason=reason, now=now)
            for attempt, order in found.items()
        ]
    )


def moved(order: Order, status: Order.Status) -> str:
    """Gives the order its new status; returns the one before.

    Raises:
        IllegalTransitionError: there is no way from there.
    """
    before = order.status
    if before not in TO[status].sources:
        raise IllegalTransitionError(f"order {order.number}: from {before} to {status}")
    order.status = status
    return before


def tell_customers(orders: Sequence[Order], status: Order.Status, *, now: datetime) -> None:
    """Writes the mails that go with the status."""
    if kind := TO[status].letter:
        mail.queue_all([letters.about(order, kind, now=now) for order in orders])

"""The end of orders without money: stock and coupon given back. For many orders at once as for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from catalog.services import release_stock
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt
from orders.services.recording import announce, record_status
from orders.signals import order_closed

WATCHED_AFTER_END = timedelta(hours=24)
"""How long billing is still asked about an attempt of a closed order: late money must not go unnoticed."""

SESSION_STATUS = {
    Order.Status.FAILED: OrderSession.Status.CANCELLED,
    Order.Status.EXPIRED: OrderSession.Status.EXPIRED,
    Order.Status.CANCELLED: OrderSession.Status.CANCELLED,
}
TOPIC = {
    Order.Status.FAILED: OutboxEvent.Topic.FAILED,
    Order.Status.EXPIRED: OutboxEvent.Topic.EXPIRED,
    Order.Status.CANCELLED: OutboxEvent.Topic.CANCELLED,
}


def end_unpaid(orders: Sequence[Order], status: Order.Status, *, actor: str, reason: str, now: datetime) -> None:
    """Closes pending orders, whose rows the caller has locked. Attempts still open are timed out but watched on."""
    ids = [order.id for order in orders]
    Order.objects.filter(id__in=ids).update(status=status, closed_at=now)
    OrderSession.objects.filter(order_id__in=ids).update(status=SESSION_STATUS[status])
    PaymentAttempt.objects.filter(order_session__order_id__in=ids, status=PaymentAttempt.Status.OPEN).update(
        status=PaymentAttempt.Status.TIMEOUT, resolved_at=now, next_poll_at=now + timedelta(minutes=1)
    )
    release_stock(order_ids=ids)
    changed = []
    for order in orders:
        changed.append((order, order.status))
        order.status, order.closed_at = status, now
    record_status(changed, actor=actor, reason=reason, now=now)
    announce(TOPIC[status], orders, now=now)
    order_closed.send(Order, orders=list(orders), now=now)

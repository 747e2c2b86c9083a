"""What a checkout does when its order changes."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.dispatch import receiver

from checkout.models import CheckoutSession
from checkout.services.coupons import give_back, take_again
from orders.models import Order
from orders.signals import order_closed, order_paid

Status = CheckoutSession.Status
ENDS = {
    Order.Status.FAILED: Status.FAILURE,
    Order.Status.CANCELLED: Status.FAILURE,
    Order.Status.EXPIRED: Status.TIMEOUT,
}
ABANDONED = {Order.Status.FAILED, Order.Status.EXPIRED}
"""Nobody decided that these should end."""

# With a checkout that was restored the abandoned one has come back: once, whatever else is bought by its link.
CLOSE_AS_SUCCESS = """
WITH paid AS (
    UPDATE checkout_checkoutsession SET status = 'success', updated_at = %(now)s, lapsed_at = NULL
    WHERE id = ANY(%(ids)s) RETURNING id, recovers_id)
UPDATE checkout_checkoutsession old
SET recovered_at = %(now)s, recovered_order_id = o.id, recovered_total = o.total
FROM paid JOIN orders_order o ON o.checkout_id = paid.id
WHERE old.id = paid.recovers_id AND old.recovered_at IS NULL
"""


@receiver(order_paid)
def close_as_success(sender: Any, orders: list[Order], now: datetime, **_more: Any) -> None:
    """The checkout of a paid order is a success; the one that it was restored from is recovered."""
    # By its id: an order of nothing is paid while it is placed, before its checkout is linked to it.
    checkout_ids = [order.checkout_id for order in orders if order.checkout_id]
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_AS_SUCCESS, {"ids": checkout_ids, "now": now})
    for order in orders:
        if order.coupon_code:
            take_again(order_id=order.id)


@receiver(order_closed)
def close_as_unpaid(sender: Any, orders: list[Order], now: datetime, **_more: Any) -> None:
    """The checkouts of orders closed unpaid are failures or timeouts, and abandoned unless cancelled. Their coupons are
    free again.
    """
    with transaction.atomic(savepoint=False):
        for status in {order.status for order in orders}:
            ids = [order.id for order in orders if order.status == status]
            lapsed_at = now if status in ABANDONED else None
            CheckoutSession.objects.filter(order_id__in=ids).update(
                status=ENDS[Order.Status(status)], updated_at=now, lapsed_at=lapsed_at
            )
        if used := [order.id for order in orders if order.coupon_code]:
            give_back(order_ids=used)

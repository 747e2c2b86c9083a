"""What a checkout does when its order changes."""

from datetime import datetime
from typing import Any

from django.db import transaction
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


@receiver(order_paid)
def close_as_success(sender: Any, orders: list[Order], now: datetime, **_more: Any) -> None:
    """The checkout of a paid order is a success."""
    # By its id: an order of nothing is paid while it is placed, before its checkout is linked to it.
    checkout_ids = [order.checkout_id for order in orders if order.checkout_id]
    CheckoutSession.objects.filter(id__in=checkout_ids).update(status=Status.SUCCESS, updated_at=now)
    for order in orders:
        if order.coupon_code:
            take_again(order_id=order.id)


@receiver(order_closed)
def close_as_unpaid(sender: Any, orders: list[Order], now: datetime, **_more: Any) -> None:
    """The checkouts of orders closed unpaid are failures or timeouts; their coupons are free again."""
    with transaction.atomic(savepoint=False):
        for status in {order.status for order in orders}:
            ids = [order.id for order in orders if order.status == status]
            CheckoutSession.objects.filter(order_id__in=ids).update(status=ENDS[Order.Status(status)], updated_at=now)
        if used := [order.id for order in orders if order.coupon_code]:
            give_back(order_ids=used)

"""What orders hold about people: given out, and erased but for what invoices must keep (docs/privacy.md)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from core import redis as core_redis
from core import versioned
from core.personal_data import Part, Subject, facts, register
from core.redis import RedisAwayError
from orders.models import (
    Order,
    OrderComment,
    OrderItem,
    OrderSession,
    OrderStatusChange,
    PaymentAttempt,
    Refund,
    WebhookReceipt,
)
from orders.services import OrderNotCancellableError, cancel_order
from orders.tokens import token_hash
from sessions_app.personal import end_visits, erase_visits, export_visits

log = logging.getLogger(__name__)
ACTOR = "erasing"
UNSENT = (Order.Fulfillment.PENDING, Order.Fulfillment.PROCESSING)
KEPT_OF_A_PLACE = ("region", "country")
"""Of where the parcel went: that much decided the tax."""
KEPT_OF_A_TOUCH = ("at", "channel")
OURS = ("status", "attempt", "mail")
"""Fields of the history whose reasons are our words, not those of staff."""
NO_NAME: dict[str, Any] = {"first_name": "", "last_name": "", "billing_address": {}}


def export(subject: Subject) -> dict[str, Any]:
    """The orders, and the visits in which they were placed."""
    orders = list(orders_of(subject))
    visits = [order.visitor_session_id for order in orders if order.visitor_session_id]
    return {"orders": [order_facts(order) for order in orders], "visitsWithOrders": export_visits(visits)}


def orders_of(subject: Subject) -> Any:
    """The customer's orders."""
    return Order.objects.filter(customer_id__in=subject.customers).order_by("pk")


def order_facts(order: Order) -> dict[str, Any]:
    """An order with its lines, payment window, attempts, refunds and history."""
    attempts = PaymentAttempt.objects.filter(order_session__order=order)
    return facts(order, without=("access_token_hash",)) | {
        "items": [facts(item) for item in OrderItem.objects.filter(order=order)],
        "paymentWindows": [facts(window) for window in OrderSession.objects.filter(order=order)],
        "attempts": [facts(attempt) for attempt in attempts],
        "refunds": [facts(refund) for refund in Refund.objects.of(order.pk)],
        "history": [facts(change) for change in OrderStatusChange.objects.filter(order=order)],
        "comments": [facts(comment) for comment in OrderComment.objects.filter(order=order)],
    }


def close_before_erasing(subject: Subject, *, now: datetime) -> None:
    """Pending orders are cancelled, which asks billing; the visits that placed orders end."""
    for order in orders_of(subject).pending():
        try:
            cancel_order(order_id=order.pk, actor=ACTOR, now=now)
        except OrderNotCancellableError:
            log.info("order %s was settled before it could be cancelled for an erasing", order.pk)
    end_visits(visits_of(orders_of(subject)), now=now)


def visits_of(orders: Any) -> list[UUID]:
    """The visits in which orders were placed."""
    return [order.visitor_session_id for order in orders if order.visitor_session_id is not None]


def erase(subject: Subject, *, now: datetime) -> None:
    """Paid orders keep what an invoice must have, others only their numbers."""
    orders = list(orders_of(subject).select_for_update(no_key=True))
    visits = visits_of(orders)
    for order in orders:
        Order.objects.filter(pk=order.pk).update(**erased(order))
    windows = OrderSession.objects.filter(order__in=orders)
    attempts = PaymentAttempt.objects.filter(order_session__in=windows)
    WebhookReceipt.objects.filter(checkout_id__in=attempts.values("billing_checkout_id")).update(body=b"")
    attempts.update(payment_url="")
    # What staff wrote may tell of whom it was.
    OrderStatusChange.objects.filter(order__in=orders).exclude(field__in=OURS).update(reason="")
    OrderComment.objects.filter(order__in=orders).delete()
    Refund.objects.filter(Q(attempt__in=attempts) | Q(order__in=orders)).update(reason="")
    windows.update(metadata={})
    erase_visits(visits)
    # Not before: whoever reads meanwhile would keep the old text anew.
    transaction.on_commit(partial(forget_copies, [order.pk for order in orders]))


def erased(order: Order) -> dict[str, Any]:
    """The columns of an order that change. Links to it open nothing any more."""
    columns = {
        "email": "",
        "phone": "",
        "carrier": "",
        "tracking_number": "",
        "tracking_url": "",
        "shipping_address": {name: order.shipping_address.get(name, "") for name in KEPT_OF_A_PLACE},
        "first_touch": touch_of(order.first_touch),
        "last_touch": touch_of(order.last_touch),
        "visitor_session": None,
        "access_token_hash": token_hash(secrets.token_urlsafe()),
    }
    if order.paid_at is None:
        return columns | NO_NAME
    if order.fulfillment_status in UNSENT and not order.needs_attention and order.email:
        columns["needs_attention"] = "The customer was erased before this order was shipped."
    return columns


def touch_of(touch: dict[str, Any]) -> dict[str, Any]:
    """What is kept of how somebody came."""
    return {name: touch[name] for name in KEPT_OF_A_TOUCH if name in touch}


def forget_copies(order_ids: Sequence[UUID]) -> None:
    """Rendered copies in Redis; with Redis away they expire there within ten minutes."""
    keys = versioned.keys("orders", order_ids)
    if not keys:
        return
    try:
        core_redis.call(lambda client: client.delete(*keys))
    except RedisAwayError:
        log.warning("%d orders were erased while Redis was away", len(keys))


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = (Order, OrderItem, OrderSession, OrderStatusChange, OrderComment, PaymentAttempt, Refund)
    register(Part("orders", frozenset(model._meta.label for model in tables), export, erase, close_before_erasing))

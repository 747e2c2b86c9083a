"""What orders hold about people: given out, and erased but for what invoices must keep (docs/privacy.md)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core import mail_personal, versioned
from core import redis as core_redis
from core.personal_data import Part, Subject, facts, register
from core.redis import RedisAwayError
from customers.models import Customer
from customers.personal import forget_customer
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
    visits = set(visits_of(orders)) - subject.visits  # those are given out as such
    return {"orders": [order_facts(order) for order in orders], "visitsWithOrders": export_visits(visits)}


def orders_of(subject: Subject) -> QuerySet[Order]:
    """The customer's orders, or those that the visitor placed as a guest. Orders of an account go with the account."""
    by_guest = Q(visitor_session_id__in=subject.shopped_in, customer__user=None)
    return Order.objects.filter(Q(customer_id__in=subject.customers) | by_guest).order_by("pk")


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
        "webhooks": [receipt_facts(receipt) for receipt in receipts_of(attempts)],
        "mails": [mail_personal.mail_facts(mail) for mail in mail_personal.mails_about("order", [order.pk])],
    }


def receipts_of(attempts: QuerySet[PaymentAttempt]) -> QuerySet[WebhookReceipt]:
    """What billing reported of these attempts."""
    return WebhookReceipt.objects.filter(checkout_id__in=attempts.values("billing_checkout_id"))


def receipt_facts(receipt: WebhookReceipt) -> dict[str, Any]:
    """A report of billing, as it came."""
    return facts(receipt, without=("headers", "body")) | {"body": bytes(receipt.body).decode(errors="replace")}


def close_before_erasing(subject: Subject, *, now: datetime) -> None:
    """Pending orders are cancelled, which asks billing; the visits that placed orders end."""
    for order in orders_of(subject).filter(status=Order.Status.PENDING):
        try:
            cancel_order(order_id=order.pk, actor=ACTOR, now=now)
        except OrderNotCancellableError:
            log.info("order %s was settled before it could be cancelled for an erasing", order.pk)
    end_visits(visits_of(orders_of(subject)), now=now)


def visits_of(orders: Iterable[Order]) -> list[UUID]:
    """The visits in which orders were placed."""
    return [order.visitor_session_id for order in orders if order.visitor_session_id is not None]


def erase(subject: Subject, *, now: datetime) -> None:
    """Paid orders keep what an invoice must have, others only their numbers. Other orders of erased visits keep all but
    where they came from.
    """
    orders = list(orders_of(subject).select_for_update(no_key=True, of=("self",)))
    visits = visits_of(orders)
    for order in orders:
        Order.objects.filter(pk=order.pk).update(**erased(order))
    for order in Order.objects.select_for_update(no_key=True).filter(visitor_session__in=subject.visits).order_by("pk"):
        Order.objects.filter(pk=order.pk).update(**unlinked(order))
    windows = OrderSession.objects.filter(order__in=orders)
    attempts = PaymentAttempt.objects.filter(order_session__in=windows)
    receipts_of(attempts).update(body=b"")
    attempts.update(payment_url="")
    # What staff wrote may tell of whom it was.
    OrderStatusChange.objects.filter(order__in=orders).exclude(field__in=OURS).update(reason="")
    OrderComment.objects.filter(order__in=orders).delete()
    Refund.objects.filter(Q(attempt__in=attempts) | Q(order__in=orders)).update(reason="")
    windows.update(metadata={})
    mail_personal.mails_about("order", [order.pk for order in orders]).delete()
    forget_guests(orders, subject)
    erase_visits(visits, now=now)
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
        "access_token_hash": token_hash(secrets.token_urlsafe()),
    } | unlinked(order)
    if order.paid_at is None:
        return columns | NO_NAME
    if order.fulfillment_status in UNSENT and not order.needs_attention and order.email:
        columns["needs_attention"] = "The customer was erased before this order was shipped."
    return columns


def unlinked(order: Order) -> dict[str, Any]:
    """The columns of an order that lead to its visit."""
    touches = {"first_touch": touch_of(order.first_touch), "last_touch": touch_of(order.last_touch)}
    return touches | {"visitor_session": None}


def forget_guests(orders: Sequence[Order], subject: Subject) -> None:
    """Guests of whom nothing is known but these orders. An address that is typed proves nothing: whoever ordered by it
    in another visit is left alone.
    """
    guests = Customer.objects.filter(user=None, orders__in=orders).exclude(pk__in=subject.customers)
    ids = sorted(set(guests.values_list("pk", flat=True)))
    for guest in Customer.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        if not Order.objects.filter(customer=guest).exclude(pk__in=[order.pk for order in orders]).exists():
            forget_customer(guest)


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
    tables = (Order, OrderItem, OrderSession, OrderStatusChange, OrderComment, PaymentAttempt, Refund, WebhookReceipt)
    register(Part("orders", frozenset(model._meta.label for model in tables), export, erase, close_before_erasing))

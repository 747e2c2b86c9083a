"""The shopper's own unpaid order, when that is what holds the pieces they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from catalog.services import OutOfStockError
from checkout.services.opening import Owner
from orders.models import Order
from orders.selectors import open_attempt_of, pending_order_with


@contextmanager
def naming_own_order(owner: Owner, *, now: datetime) -> Iterator[None]:
    """Adds `details.pendingOrder` to a refusal for want of stock, so that the shopper can pay that order or cancel it.

    Only the shopper's own order is named, and only while it can be paid.
    """
    try:
        yield
    except OutOfStockError as refusal:
        order = pending_order_with(
            product_ids=[shortage.product_id for shortage in refusal.shortages],
            session_id=owner.session_id,
            customer_id=owner.customer_id,
            now=now,
        )
        if order is not None:
            refusal.details["pendingOrder"] = pending_order_body(order)
        raise


def pending_order_body(order: Order) -> dict[str, Any]:
    """The order as a refusal names it; `paymentUrl` while an attempt to pay is open."""
    attempt = open_attempt_of(order)
    return {"orderId": str(order.id), "number": order.number, "expiresAt": order.session.expires_at} | (
        {"paymentUrl": attempt.payment_url} if attempt else {}
    )

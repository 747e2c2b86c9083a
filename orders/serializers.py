"""Orders as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.addresses import AddressFields
from core.money import money_string, tax_included
from core.serializers import CamelSerializer, camel
from orders.models import Order, OrderSession, PaymentAttempt


class LineOut(CamelSerializer):
    """A line of a checkout or an order."""

    product_id = serializers.UUIDField(allow_null=True)
    sku = serializers.CharField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()
    unit_price = serializers.CharField()
    quantity = serializers.IntegerField()
    line_total = serializers.CharField()


class TaxLineOut(CamelSerializer):
    """What one tax comes to; `rate` is percent."""

    name = serializers.CharField()
    rate = serializers.CharField()
    amount = serializers.CharField()


class SummaryOut(CamelSerializer):
    """The sums; money as decimal strings. `taxIncluded`: the tax is part of the other sums, not added to them."""

    subtotal = serializers.CharField()
    discount_amount = serializers.CharField()
    shipping_amount = serializers.CharField()
    tax_amount = serializers.CharField()
    tax_lines = TaxLineOut(many=True)
    tax_included = serializers.BooleanField()
    total = serializers.CharField()
    currency = serializers.CharField()


class OrderSessionOut(CamelSerializer):
    """The payment window of an order."""

    session_id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    status = serializers.ChoiceField(OrderSession.Status.choices)
    expires_at = serializers.DateTimeField()
    duration_minutes = serializers.IntegerField()
    remaining_seconds = serializers.IntegerField()
    remaining_minutes = serializers.FloatField()
    payment_attempts = serializers.IntegerField()
    max_payment_attempts = serializers.IntegerField()
    remaining_attempts = serializers.IntegerField()
    can_retry = serializers.BooleanField()


class AttemptOut(CamelSerializer):
    """One attempt to pay. `paymentUrl` is null once it is over."""

    number = serializers.IntegerField()
    status = serializers.ChoiceField(PaymentAttempt.Status.choices)
    amount = serializers.CharField()
    currency = serializers.CharField()
    payment_url = serializers.CharField(allow_null=True)
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


class ChangeOut(CamelSerializer):
    """One change of the order's status."""

    status = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class OrderAddressesOut(CamelSerializer):
    """Where to, and to whom the bill goes."""

    shipping = AddressFields()
    billing = AddressFields()


class OrderOut(CamelSerializer):
    """An order. `paymentStatus` is unpaid, paid, partly_refunded or refunded; `refundedAmount` is of its total.

    How its parcel can be followed (`carrier`, `trackingNumber`, `trackingUrl`) is empty where it is not known.
    """

    order_id = serializers.UUIDField()
    number = serializers.CharField()
    status = serializers.ChoiceField(Order.Status.choices)
    payment_status = serializers.ChoiceField(["unpaid", "paid", "partly_refunded", "refunded"])
    fulfillment_status = serializers.ChoiceField(Order.Fulfillment.choices)
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    tracking_url = serializers.CharField()
    items = LineOut(many=True)
    summary = SummaryOut()
    refunded_amount = serializers.CharField()
    coupon_code = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    addresses = OrderAddressesOut()
    shipping_method = serializers.CharField()
    session = OrderSessionOut(allow_null=True, help_text="Null for an order that was imported.")
    attempts = AttemptOut(many=True)
    history = ChangeOut(many=True)
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class OrderListOut(CamelSerializer):
    """A page of orders; `next` is the cursor of the page after it."""

    items = OrderOut(many=True)
    next = serializers.CharField(allow_null=True)


class RetryOut(CamelSerializer):
    """A new attempt to pay."""

    payment_attempts = serializers.IntegerField()
    max_payment_attempts = serializers.IntegerField()
    remaining_attempts = serializers.IntegerField()
    payment_url = serializers.CharField()


def order_body(order: Order, *, now: datetime) -> dict[str, Any]:
    """The order as `OrderOut` shows it. Have items, attempts and history at hand (`selectors.snapshot`)."""
    window: OrderSession | None = getattr(order, "session", None)
    return {
        "order_id": order.id,
        "number": order.number,
        "status": order.status,
        "payment_status": payment_status(order),
        "fulfillment_status": order.fulfillment_status,
        "carrier": order.carrier,
        "tracking_number": order.tracking_number,
        "tracking_url": order.tracking_url,
        "items": [line_body(item, order.currency) for item in order.items.all()],
        "summary": summary_body(order),
        "refunded_amount": money_string(order.refunded_amount, order.currency),
        "coupon_code": order.coupon_code,
        "email": order.email,
        "first_name": order.first_name,
        "last_name": order.last_name,
        "addresses": {"shipping": order.shipping_address, "billing": order.billing_address},
        "shipping_method": order.shipping_method,
        "session": session_body(window, now=now) if window else None,
        "attempts": [attempt_body(attempt) for attempt in window.attempts.all()] if window else [],
        "history": [
            {"status": change.new, "reason": change.reason, "at": change.created_at}
            for change in order.history.all()
            if change.field == "status"
        ],
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
    }


def payment_status(order: Order) -> str:
    """What became of the money."""
    if order.status != Order.Status.SUCCESS:
        return "unpaid"
    if not order.refunded_amount:
        return "paid"
    return "refunded" if order.refunded_amount == order.total else "partly_refunded"


def line_body(item: Any, currency: str) -> dict[str, Any]:
    """An order's line as `LineOut` shows it."""
    return {
        "product_id": item.product_id,
        "sku": item.sku,
        "name": item.name,
        "thumbnail": item.image,
        "unit_price": money_string(item.unit_price, currency),
        "quantity": item.quantity,
        "line_total": money_string(item.line_total, currency),
    }


def summary_body(order: Order) -> dict[str, Any]:
    """The order's sums as `SummaryOut` shows them."""
    names = ("subtotal", "discount_amount", "shipping_amount", "tax_amount", "total")
    sums = {name: money_string(getattr(order, name), order.currency) for name in names}
    return sums | {"tax_lines": order.tax_lines, "tax_included": tax_included(order), "currency": order.currency}


def session_body(session: OrderSession, *, now: datetime) -> dict[str, Any]:
    """The payment window as `OrderSessionOut` shows it."""
    paying = any(attempt.status == PaymentAttempt.Status.OPEN for attempt in session.attempts.all())
    return countdown(session, paying=paying, now=now) | {
        "session_id": session.id,
        "order_id": session.order_id,
        "status": session.status,
        "expires_at": session.expires_at,
        "duration_minutes": session.duration_minutes,
        "payment_attempts": session.payment_attempts,
        "max_payment_attempts": session.max_payment_attempts,
        "remaining_attempts": session.remaining_attempts,
    }


def countdown(session: OrderSession, *, paying: bool, now: datetime) -> dict[str, Any]:
    """What changes of a payment window by waiting alone; minutes with one decimal.

    While an attempt is open (`paying`) there is no other one to be had.
    """
    seconds = int(session.remaining(now).total_seconds())
    return {
        "remaining_seconds": seconds,
        "remaining_minutes": round(seconds / 60, 1),
        "can_retry": seconds > 0 and session.remaining_attempts > 0 and not paying,
    }


def at_the_clock(body: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """An order that was rendered some time ago (`OrderOut`), with its window counted down to now."""
    shown = body["session"]
    if shown is None:
        return body
    window = OrderSession(
        status=shown["status"],
        expires_at=datetime.fromisoformat(shown["expiresAt"]),
        payment_attempts=shown["paymentAttempts"],
        max_payment_attempts=shown["maxPaymentAttempts"],
    )
    paying = any(attempt["status"] == PaymentAttempt.Status.OPEN for attempt in body["attempts"])
    told = {camel(name): value for name, value in countdown(window, paying=paying, now=now).items()}
    return body | {"session": shown | told}


def attempt_body(attempt: PaymentAttempt) -> dict[str, Any]:
    """The attempt as `AttemptOut` shows it."""
    return {
        "number": attempt.number,
        "status": attempt.status,
        "amount": money_string(attempt.amount, attempt.currency),
        "currency": attempt.currency,
        "payment_url": attempt.payment_url if attempt.status == PaymentAttempt.Status.OPEN else None,
        "opened_at": attempt.opened_at,
        "resolved_at": attempt.resolved_at,
    }

"""Every change of an order. Each locks the order's row first, so that of two that race exactly one wins."""

from orders.services.attention import (
    AlreadyPaidForError,
    NothingToDecideError,
    SoldOutError,
    accept_attention,
    dismiss_attention,
    refund_attention,
)
from orders.services.closing import OrderNotCancellableError, cancel_order, expire_due, expire_order
from orders.services.payment import (
    MaxAttemptsReachedError,
    PaymentInProgressError,
    SessionExpiredError,
    SessionNotActiveError,
    retry_payment,
    start_payment,
)
from orders.services.placing import OrderDraft, OrderLine, place_order
from orders.services.polling import poll_billing
from orders.services.refunds import send_refunds
from orders.services.reminding import send_payment_reminders
from orders.services.settling import settle_attempt

__all__ = [
    "AlreadyPaidForError",
    "MaxAttemptsReachedError",
    "NothingToDecideError",
    "OrderDraft",
    "OrderLine",
    "OrderNotCancellableError",
    "PaymentInProgressError",
    "SessionExpiredError",
    "SessionNotActiveError",
    "SoldOutError",
    "accept_attention",
    "cancel_order",
    "dismiss_attention",
    "expire_due",
    "expire_order",
    "place_order",
    "poll_billing",
    "refund_attention",
    "retry_payment",
    "send_payment_reminders",
    "send_refunds",
    "settle_attempt",
    "start_payment",
]

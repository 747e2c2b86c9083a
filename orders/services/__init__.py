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
from orders.services.desk import (
    CommentMissingError,
    FulfilmentNotAllowedError,
    MoneyNotHereError,
    NoMailError,
    NotPaidError,
    Parcel,
    PiecesNotThereError,
    RefundTooLargeError,
    WindowNotOpenError,
    WindowTooLongError,
    comment,
    extend_window,
    fulfil,
    refund_order,
    resend_mail,
)
from orders.services.payment import (
    MaxAttemptsReachedError,
    PaymentInProgressError,
    SessionExpiredError,
    SessionNotActiveError,
    retry_payment,
    start_payment,
)
from orders.services.placing import OrderDraft, OrderLine, place_order
from orders.services.polling import check_payments, poll_billing, poll_order
from orders.services.refunds import send_refunds
from orders.services.reminding import send_payment_reminders
from orders.services.settling import settle_attempt
from orders.services.windows import Window

__all__ = [
    "AlreadyPaidForError",
    "CommentMissingError",
    "FulfilmentNotAllowedError",
    "MaxAttemptsReachedError",
    "MoneyNotHereError",
    "NoMailError",
    "NotPaidError",
    "NothingToDecideError",
    "OrderDraft",
    "OrderLine",
    "OrderNotCancellableError",
    "Parcel",
    "PaymentInProgressError",
    "PiecesNotThereError",
    "RefundTooLargeError",
    "SessionExpiredError",
    "SessionNotActiveError",
    "SoldOutError",
    "Window",
    "WindowNotOpenError",
    "WindowTooLongError",
    "accept_attention",
    "cancel_order",
    "check_payments",
    "comment",
    "dismiss_attention",
    "expire_due",
    "expire_order",
    "extend_window",
    "fulfil",
    "place_order",
    "poll_billing",
    "poll_order",
    "refund_attention",
    "refund_order",
    "resend_mail",
    "retry_payment",
    "send_payment_reminders",
    "send_refunds",
    "settle_attempt",
    "start_payment",
]

"""What staff do with an order: send it, send money back, give it more time, tell its customer again, note something."""

from orders.services.desk.comments import CommentMissingError, comment
from orders.services.desk.fulfilment import FulfilmentNotAllowedError, Parcel, fulfil, may_become
from orders.services.desk.mails import NoMailError, fitting, resend_mail
from orders.services.desk.refunding import (
    MoneyNotHereError,
    NotPaidError,
    PiecesNotThereError,
    RefundTooLargeError,
    refund_order,
    refundable,
)
from orders.services.desk.window import WindowNotOpenError, WindowTooLongError, extend_window, is_open

__all__ = [
    "CommentMissingError",
    "FulfilmentNotAllowedError",
    "MoneyNotHereError",
    "NoMailError",
    "NotPaidError",
    "Parcel",
    "PiecesNotThereError",
    "RefundTooLargeError",
    "WindowNotOpenError",
    "WindowTooLongError",
    "comment",
    "extend_window",
    "fitting",
    "fulfil",
    "is_open",
    "may_become",
    "refund_order",
    "refundable",
    "resend_mail",
]

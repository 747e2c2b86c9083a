"""The mail that fits an order as it is, once more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import mail
from core.errors import DomainError
from core.ids import new_id
from core.models import Mail
from orders import letters
from orders.models import Order
from orders.services.desk.window import is_open
from orders.services.recording import lock_by_id, record_note

FITTING = {
    Order.Status.SUCCESS: letters.PAID,
    Order.Status.EXPIRED: letters.EXPIRED,
    Order.Status.FAILED: letters.FAILED,
}


class NoMailError(DomainError):
    """No mail fits the order as it is, or it has no address any more."""

    code, status = "NO_MAIL", 409
    message = _("There is no mail that fits this order as it is now.")


def fitting(order: Order, *, now: datetime) -> str:
    """The kind of mail that is true of the order now; empty if there is none."""
    if not order.email:
        return ""
    if order.status == Order.Status.PENDING:
        return letters.RECEIVED if is_open(order, now=now) else ""
    if order.status == Order.Status.SUCCESS and order.fulfillment_status == Order.Fulfillment.SHIPPED:
        return letters.SHIPPED
    return FITTING.get(Order.Status(order.status), "")


@transaction.atomic
def resend_mail(*, order_id: UUID, actor: str, now: datetime) -> Order:
    """Writes the mail that fits the order to its customer again. It counts among what an address gets in an hour.

    Raises:
        NoMailError
    """
    order = lock_by_id(order_id)
    kind = fitting(order, now=now)
    if not kind:
        raise NoMailError
    mail.queue_all([again(order, kind, now=now)])
    record_note(order, "mail", kind, actor=actor, reason="sent again", now=now)
    return order


def again(order: Order, kind: str, *, now: datetime) -> Mail:
    """The mail as a row of its own."""
    event = str(new_id())
    if kind != letters.SHIPPED:
        return letters.about(order, kind, now=now, event=event)
    return letters.about_shipping(order, letters.newest_shipping(order), now=now, event=event)

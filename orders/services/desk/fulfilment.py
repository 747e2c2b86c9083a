"""How far a paid order is on its way. The table says from where; nothing else writes `fulfillment_status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import mail
from core.errors import DomainError
from orders import letters
from orders.models import Order
from orders.services.recording import change_of, lock_by_id

Fulfillment = Order.Fulfillment
MOVES: dict[str, frozenset[str]] = {
    Fulfillment.PROCESSING: frozenset({Fulfillment.PENDING}),
    Fulfillment.SHIPPED: frozenset({Fulfillment.PROCESSING, Fulfillment.SHIPPED}),
    Fulfillment.DELIVERED: frozenset({Fulfillment.SHIPPED}),
    Fulfillment.CANCELED: frozenset({Fulfillment.PENDING, Fulfillment.PROCESSING}),
}
"""To each, from where. From shipped to shipped only with another parcel: a number that was mistyped."""


class FulfilmentNotAllowedError(DomainError):
    """The order is not paid, or cannot come there from where it is."""

    code, status = "FULFILMENT_NOT_ALLOWED", 409
    message = _("This order is not where that would be the next step.")


@dataclass(frozen=True)
class Parcel:
    """How a parcel can be followed; what is not known is empty."""

    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.carrier, self.tracking_number))) or self.tracking_url


NO_PARCEL = Parcel()


def may_become(order: Order, status: str) -> bool:
    """Whether that is a next step of the order."""
    return order.status == Order.Status.SUCCESS and order.fulfillment_status in MOVES[status]


@transaction.atomic
def fulfil(
    *, order_id: UUID, status: str, parcel: Parcel = NO_PARCEL, reason: str = "", actor: str, now: datetime
) -> Order:
    """Moves a paid order on. Shipping it, or correcting how the parcel is followed, writes to the customer.

    Raises:
        FulfilmentNotAllowedError
    """
    order = lock_by_id(order_id)
    if not may_become(order, status):
        raise FulfilmentNotAllowedError
    before, order.fulfillment_status = order.fulfillment_status, status
    if status == Fulfillment.SHIPPED:
        send_off(order, parcel, again=before == status)
        reason = reason or str(parcel)
    order.save(update_fields=["fulfillment_status", "carrier", "tracking_number", "tracking_url"])
    change = change_of(order, before, actor=actor, reason=reason[:200], now=now, field="fulfillment_status")
    change.save()  # the mail is of this change: its id is asked for
    if status == Fulfillment.SHIPPED and order.email:
        mail.queue_all([letters.about_shipping(order, change, now=now)])
    return order


def send_off(order: Order, parcel: Parcel, *, again: bool) -> None:
    """Notes how the parcel can be followed.

    Raises:
        FulfilmentNotAllowedError: that stands there already; the customer is not written to twice.
    """
    if again and parcel == parcel_of(order):
        raise FulfilmentNotAllowedError
    order.carrier, order.tracking_number = parcel.carrier, parcel.tracking_number
    order.tracking_url = parcel.tracking_url


def parcel_of(order: Order) -> Parcel:
    """How the order's parcel can be followed."""
    return Parcel(order.carrier, order.tracking_number, order.tracking_url)

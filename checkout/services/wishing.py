"""Whether the shopper wants to be reminded of a checkout that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession
from core.errors import InvalidInputError
from customers.emails import normal_email
from orders.letters import language_now

Reminder = CheckoutSession.Reminder
WISH_FIELDS = ("reminder", "reminder_asked_at", "email", "language")
"""What `note_wish` changes."""


@dataclass(frozen=True)
class Wish:
    """To be reminded or not, and where: without `email` at the address of the customer who is logged in."""

    wanted: bool
    email: str = ""


def note_wish(checkout: CheckoutSession, wish: Wish, *, now: datetime) -> None:
    """Notes the shopper's wish, with its time; the caller writes it (`WISH_FIELDS`). One that goes on keeps its time.

    Without one no address is kept before the order.

    Raises:
        InvalidInputError: no address is known.
    """
    if not wish.wanted:
        checkout.reminder, checkout.reminder_asked_at, checkout.email, checkout.language = Reminder.NONE, None, "", ""
        return
    address = normal_email(wish.email) or address_of_customer(checkout)
    if not address:
        message = _("To be reminded, enter an e-mail address.")
        raise InvalidInputError(message, details={"email": [str(message)]})
    checkout.reminder_asked_at = checkout.reminder_asked_at or now
    checkout.reminder, checkout.email = Reminder.ASKED, address
    checkout.language = language_now()


def address_of_customer(checkout: CheckoutSession) -> str:
    """The address of the customer who is logged in, if anybody is."""
    return checkout.customer.email if checkout.customer else ""

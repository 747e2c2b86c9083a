"""The links of a reminder: back to the cart, and no more of them. Signed; they name a row and hold nothing of anybody.

Whoever has the link of a cart sees what is in it: no address, no name. It stands behind a `#`, which no server is sent.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.timed_links import TimedSigner

LIFE = timedelta(days=30)
"""So long a cart can be restored."""
RESTORE, UNSUBSCRIBE = "checkout.restore", "checkout.unsubscribe"
UNSUBSCRIBE_PATH = "/api/v1/checkout/reminders/unsubscribe/"


class RestoreLinkInvalidError(DomainError):
    """The link is too old, its cart is not there any more, or it never was one of ours."""

    message = _("This link is no longer valid. Please fill your cart again.")

    def __init__(self) -> None:
        super().__init__(details={"token": [str(self.message)]})


def restore_link(checkout_id: UUID) -> str:
    """The shop's page that restores this checkout, with a new token."""
    return f"{settings.CART_URL}#restore={TimedSigner(salt=RESTORE).sign(checkout_id.hex)}"


def checkout_of(token: str) -> UUID:
    """The checkout that a token of ours names.

    Raises:
        RestoreLinkInvalidError: it is none, or too old.
    """
    try:
        return UUID(TimedSigner(salt=RESTORE).unsign(token, max_age=LIFE))
    except signing.BadSignature as error:
        raise RestoreLinkInvalidError from error


def unsubscribe_link(address_id: int) -> str:
    """Where one click ends the reminders to an address (RFC 8058). It never expires."""
    return f"{settings.PUBLIC_URL}{UNSUBSCRIBE_PATH}{signing.Signer(salt=UNSUBSCRIBE).sign(str(address_id))}"


def address_of(token: str) -> int | None:
    """The address that a token of ours names; None if it is none of ours."""
    try:
        return int(signing.Signer(salt=UNSUBSCRIBE).unsign(token))
    except signing.BadSignature:
        return None

"""The links in our mails: signed, for a while, for one purpose. They stand behind a `#`, which no server is sent.

A token only names what it is about. Whether that still holds is looked up when it is shown, so each works once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.timed_links import claims_signed, sign_claims
from customers.models import User

VERIFY = "verify"
RESET = "reset"
LIVES = {VERIFY: timedelta(days=3), RESET: timedelta(hours=1)}


class LinkInvalidError(DomainError):
    """The token was used, has expired, was overtaken by another change, or never was one of ours."""

    message = _("This link is no longer valid. Please ask for a new one.")

    def __init__(self) -> None:
        super().__init__(details={"token": [str(self.message)]})


def link(purpose: str, **claims: str | int) -> str:
    """The address of the shop's page for this purpose, with a new token."""
    token = sign_claims(claims, salt=f"customers.{purpose}")
    return f"{settings.ACCOUNT_URL}/{purpose}#{token}"


def claims_of(token: str, purpose: str) -> dict[str, Any]:
    """What a token of ours says.

    Raises:
        LinkInvalidError: it is none, of another purpose, or too old.
    """
    try:
        return claims_signed(token, salt=f"customers.{purpose}", life=LIVES[purpose])
    except signing.BadSignature as error:
        raise LinkInvalidError from error


def state_of(user: User) -> str:
    """Changes with the account's password, address and last login; a reset link holds for one state only."""
    return salted_hmac("customers.reset", f"{user.pk} {user.password} {user.email} {user.last_login}").hexdigest()[:32]

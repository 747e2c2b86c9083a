"""What a payment provider is to the shop: what is asked of it, what it answers, how it fails (docs/providers.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError

LONGEST_CHECKOUT_ID = 100
NOT_AS_AGREED = (ValueError, KeyError, TypeError, InvalidOperation, RecursionError)
"""What reading an answer raises that is not the one agreed, however wrong it is."""


class BillingUnavailableError(DomainError):
    """The provider could not be reached, or did not answer as agreed. Nothing is lost: the call can be made again."""

    code, status = "BILLING_UNAVAILABLE", 502
    message = _("The payment service cannot be reached. Your order is kept; please try again in a moment.")


class AlreadyPaidError(Exception):
    """A pay session cannot be cancelled: it was paid."""


class RefundRefusedError(Exception):
    """The provider will not give this money back, and says why; asked again it may think better."""


class PollError(Exception):
    """One pay session could not be asked about; the text says why, `kind` in a word."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class KeyRefusedError(PollError):
    """The provider does not accept our key: no payment settles while that lasts."""


class UnsignedWebhookError(DomainError):
    """Not signed, or not so that it can be believed: nothing changes. `kind` is unsigned, stale or altered."""

    code, status = "INVALID_CREDENTIALS", 401
    message = _("The signature of this webhook is missing, wrong or too old.")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


@dataclass(frozen=True)
class PaySession:
    """A pay session as the provider opened it."""

    checkout_id: str
    order_id: str
    pay_url: str


@dataclass(frozen=True)
class Report:
    """What the provider says of a pay session. `status` is open, success, failure, timeout, or unknown (404)."""

    status: str
    amount: Decimal | None = None
    currency: str = ""
    order_id: str = ""
    """The provider's own id of the order; empty if it was not said."""


@dataclass(frozen=True)
class SignedWebhook:
    """A webhook whose signature was good, whatever it says."""

    webhook_id: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """What a webhook says, and about which pay session."""

    checkout_id: str
    report: Report


class Provider(Protocol):
    """A module that takes money: `registry` knows it by its name."""

    @property
    def SETTINGS(self) -> Sequence[str]:
        """The settings without which it cannot be asked."""

    def open_pay_session(
        self,
        *,
        reference: str,
        amount: Decimal,
        currency: str,
        description: str,
        return_url: str,
        expires_at: datetime,
        key: str,
    ) -> PaySession:
        """Opens a pay session. The same `key` opens the same one, however often this is called.

        Raises:
            BillingUnavailableError: no answer, or not the one agreed.
        """

    def cancel_pay_session(self, checkout_id: str) -> None:
        """Tells the provider not to take the money any more; in `calls.WITHDRAW_SECONDS`.

        Raises:
            AlreadyPaidError: it was taken.
            BillingUnavailableError: no answer, or not the one agreed.
        """

    def refund(self, *, checkout_id: str, amount: Decimal, currency: str, key: str) -> None:
        """Gives money back; the same `key` gives it back once.

        Raises:
            RefundRefusedError: the provider answered that it will not.
            BillingUnavailableError: no answer, or not the one agreed.
        """

    async def ask(self, session: httpx2.AsyncClient, checkout_id: str) -> Report:
        """Asks about one of many pay sessions. It must not block: a hundred are asked at once.

        Raises:
            PollError: no answer in time, or not the one agreed.
        """

    async def cancel(self, session: httpx2.AsyncClient, checkout_id: str) -> None:
        """Cancels one of many pay sessions. After it nobody can pay there: the pieces are sold again.

        Raises:
            AlreadyPaidError: it was paid.
            PollError: no answer in time, or not the one agreed.
        """

    def verify(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> SignedWebhook:
        """Checks who signed a webhook, and when (5 minutes). `now` only tells why one is refused.

        Raises:
            UnsignedWebhookError: nobody who may.
            InvalidInputError: it has no id that can be kept.
        """

    def read(self, body: bytes) -> Told | None:
        """What a webhook says; None if it is about nothing that concerns payments of orders.

        Raises:
            one of NOT_AS_AGREED.
        """


def setting(name: str) -> str:
    """A setting of a provider's own: from the settings, else straight from the environment."""
    return str(getattr(settings, name, "") or os.environ.get(name, ""))


def checked_checkout_id(text: str) -> str:
    """The id of a pay session, if it can be one.

    Raises:
        ValueError
    """
    text.encode()  # a lone surrogate raises
    if "\0" in text or not 0 < len(text) <= LONGEST_CHECKOUT_ID:
        raise ValueError(text[:LONGEST_CHECKOUT_ID])
    return text

"""Billing's webhooks: whether they are billing's, and what they report. What becomes of them: `orders.inbox`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from core.errors import DomainError, InvalidInputError
from orders.billing import Report, report_of

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_SECONDS = 300
WEBHOOK_ID = re.compile(r"[!-~]{1,100}")
LONGEST_CHECKOUT_ID = 100


class UnsignedWebhookError(DomainError):
    """Not signed, or not so that it can be believed: nothing changes. `kind` is unsigned, stale or altered."""

    code, status = "INVALID_CREDENTIALS", 401
    message = _("The signature of this webhook is missing, wrong or too old.")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind


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


def verify(*, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> SignedWebhook:
    """Checks signature and age (5 minutes) against each live secret. `now` only tells why one is refused.

    Raises:
        UnsignedWebhookError: none of them made it.
        InvalidInputError: its id is none.
    """
    shown = {name: headers.get(name, "") for name in SIGNED}
    if not any(verifies(secret, body, shown) for secret in secrets):
        raise UnsignedWebhookError(fault_of(shown, now=now))
    if not WEBHOOK_ID.fullmatch(shown["webhook-id"]):
        raise InvalidInputError(_("The id of this webhook is not valid."))
    return SignedWebhook(shown["webhook-id"], shown, body)


def verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether this secret signed it."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
        return False
    return True


def fault_of(headers: dict[str, str], *, now: datetime) -> str:
    """Why a webhook is not believed."""
    if not all(headers.values()):
        return "unsigned"
    try:
        age = abs(now.timestamp() - float(headers["webhook-timestamp"]))
    except ValueError:
        return "altered"
    return "stale" if age > TOLERANCE_SECONDS else "altered"


def read(body: bytes) -> Told:
    """What a webhook says.

    Raises:
        one of `billing.NOT_AS_AGREED`.
    """
    data = json.loads(body)["data"]
    return Told(checkout_id_of(data), report_of(data))


def checkout_id_of(data: dict[str, Any]) -> str:
    """Which pay session a webhook is about.

    Raises:
        one of `billing.NOT_AS_AGREED`.
    """
    checkout_id = str(data["checkoutId"])
    checkout_id.encode()  # a lone surrogate raises
    if "\0" in checkout_id or not 0 < len(checkout_id) <= LONGEST_CHECKOUT_ID:
        raise ValueError(checkout_id[:LONGEST_CHECKOUT_ID])
    return checkout_id

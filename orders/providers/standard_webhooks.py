"""Standard Webhooks: whether a secret signed a webhook, and lately. For every provider that signs by that standard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from core.errors import InvalidInputError
from orders.providers.contract import SignedWebhook, UnsignedWebhookError

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_SECONDS = 300
WEBHOOK_ID = re.compile(r"[!-~]{1,100}")


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

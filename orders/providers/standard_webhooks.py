"""Standard Webhooks: whether a secret signed a webhook, and lately. For every provider that signs by that standard.

The standard's own library would judge the age by this machine's clock, which may be wrong: only its signing is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from core.errors import InvalidInputError
from orders.providers.contract import SignedWebhook, UnsignedWebhookError

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE = timedelta(minutes=5)
WEBHOOK_ID = re.compile(r"[!-~]{1,100}")


def verify(*, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> SignedWebhook:
    """Checks signature and age (5 minutes) against each live secret.

    Raises:
        UnsignedWebhookError: none of them made it, or not lately.
        InvalidInputError: its id is none.
    """
    shown = {name: headers.get(name, "") for name in SIGNED}
    if not all(shown.values()):
        raise UnsignedWebhookError("unsigned")
    sent_at = sent_at_of(shown["webhook-timestamp"])
    if sent_at is None:
        raise UnsignedWebhookError("altered")
    if abs(now - sent_at) > TOLERANCE:
        raise UnsignedWebhookError("stale")
    if not any(verifies(secret, body, shown, sent_at) for secret in secrets):
        raise UnsignedWebhookError("altered")
    if not WEBHOOK_ID.fullmatch(shown["webhook-id"]):
        raise InvalidInputError(_("The id of this webhook is not valid."))
    return SignedWebhook(shown["webhook-id"], shown, body)


def sent_at_of(timestamp: str) -> datetime | None:
    """When a webhook was signed, as it says itself; None for what says no time."""
    try:
        return datetime.fromtimestamp(float(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def verifies(secret: str, body: bytes, headers: dict[str, str], sent_at: datetime) -> bool:
    """Whether this secret signed it: one of its signatures is ours. In constant time."""
    try:
        ours = Webhook(secret).sign(headers["webhook-id"], sent_at, body.decode()).encode()
    except (EmptyWebhookSecretError, ValueError):
        return False
    shown = headers["webhook-signature"].encode("utf-8", "replace").split(b" ")
    return any(compare_digest(signature, ours) for signature in shown)

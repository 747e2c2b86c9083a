"""Billing's webhooks: verified, taken once, settled like a poll's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from core.errors import DomainError, InvalidInputError
from orders.billing import NOT_AS_AGREED, Report, report_of
from orders.services import settle_attempt

LONGEST_ID = 100


class UnsignedWebhookError(DomainError):
    """Unsigned, stale or altered: nothing changes."""

    code, status = "INVALID_CREDENTIALS", 401
    message = _("The signature of this webhook is missing, wrong or too old.")


@dataclass(frozen=True)
class BillingWebhook:
    """A webhook whose signature was good."""

    webhook_id: str
    checkout_id: str
    report: Report


def verify(*, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> BillingWebhook:
    """Checks signature and age (5 minutes) against each live secret.

    Raises:
        UnsignedWebhookError: none of them made it.
        InvalidInputError: it is signed, but not a report as agreed.
    """
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    signed = {name: headers.get(name, "") for name in names}
    if not any(verifies(secret, body, signed) for secret in secrets):
        raise UnsignedWebhookError
    try:
        data = json.loads(body)["data"]
        return BillingWebhook(signed["webhook-id"][:LONGEST_ID], checkout_id_of(data), report_of(data))
    except NOT_AS_AGREED as error:
        raise InvalidInputError(_("This is not a report about a pay session.")) from error


def checkout_id_of(data: dict[str, Any]) -> str:
    """Which pay session a webhook is about.

    Raises:
        one of NOT_AS_AGREED.
    """
    checkout_id = str(data["checkoutId"])
    checkout_id.encode()  # a lone surrogate raises
    if "\0" in checkout_id:
        raise ValueError(checkout_id)
    return checkout_id


def verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether this secret signed it."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
        return False
    return True


@transaction.atomic
def receive(webhook: BillingWebhook, *, now: datetime) -> bool:
    """Settles what the webhook reports; False for one that came before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_webhookreceipt (webhook_id, received_at) VALUES (%s, %s) "
            "ON CONFLICT DO NOTHING RETURNING 1",
            [webhook.webhook_id, now],
        )
        if cursor.fetchone() is None:
            return False
    settle_attempt(billing_checkout_id=webhook.checkout_id, report=webhook.report, actor="billing webhook", now=now)
    return True

"""Billing's webhooks: verified, taken once, settled like a poll's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import InvalidOperation

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core.errors import DomainError, InvalidInputError
from orders.billing import Report, report_of
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
        return BillingWebhook(signed["webhook-id"][:LONGEST_ID], str(data["checkoutId"]), report_of(data))
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise InvalidInputError(_("This is not a report about a pay session.")) from error


def verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether this secret signed it."""
    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError):
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

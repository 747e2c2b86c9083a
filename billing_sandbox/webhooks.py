"""Tells the shop, once, that a session was settled. What is lost here the shop finds by asking."""

import binascii
import json
import logging
import ssl
import threading
import uuid
from functools import cache, partial
from typing import Any
from uuid import UUID

import httpx2
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from billing_sandbox.contract import event_json
from billing_sandbox.models import PaySession, Switches

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5
THREAD_NAME = "billing-sandbox-webhook"
DROPPED = "dropped, as the switch says"


class NotDelivered(Exception):
    """The webhook did not arrive; the text says why."""


def announce(session: PaySession) -> None:
    """Sends the webhook of a settled session after the commit, from a thread, so that nobody waits for it."""
    if Switches.current().webhooks == Switches.Webhooks.DROP:
        session.webhook_error = DROPPED
        session.save(update_fields=["webhook_error"])
        return
    transaction.on_commit(partial(start, session.pk, event_json(session)))


def start(checkout_id: UUID, event: dict[str, Any]) -> None:
    """Starts the delivery; a daemon thread, so that a slow shop does not keep the process from stopping."""
    threading.Thread(target=deliver, args=(checkout_id, event), name=THREAD_NAME, daemon=True).start()


def deliver(checkout_id: UUID, event: dict[str, Any]) -> None:
    """Sends a webhook and notes on the session how it went. Runs in a thread of its own."""
    try:
        send(event)
        outcome = {"webhook_sent_at": timezone.now(), "webhook_error": ""}
    except NotDelivered as problem:
        log.warning("webhook of pay session %s not delivered: %s", event["data"]["reference"], problem)
        outcome = {"webhook_error": str(problem)[:300]}
    try:
        PaySession.objects.filter(pk=checkout_id).update(**outcome)
    except Error as problem:
        log.warning("the outcome of a webhook could not be noted: %s", problem)
    finally:
        connection.close()


def send(event: dict[str, Any]) -> None:
    """Posts a signed event.

    Raises:
        NotDelivered: no usable secret, the shop was not reached in time, or it did not answer 2xx.
    """
    body = json.dumps(event)
    try:
        # The shop stands on this machine or beside it: a proxy of the environment would only be in the way.
        with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=tls()) as client:
            answer = client.post(target(), content=body, headers=signed_headers(body))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from error
    if not answer.is_success:
        raise NotDelivered(f"HTTP {answer.status_code}")


@cache
def tls() -> ssl.SSLContext:
    """Made once: it takes longer than a webhook does."""
    return httpx2.create_ssl_context(trust_env=False)


def target() -> str:
    """Where webhooks go."""
    return str(getattr(settings, "BILLING_SANDBOX_WEBHOOK_URL", f"{settings.PUBLIC_URL}/api/v1/billing/webhook"))


def signed_headers(body: str) -> dict[str, str]:
    """The headers of Standard Webhooks, signed with the first secret.

    Raises:
        NotDelivered: there is no secret, or it is not base64.
    """
    message_id, now = f"msg_{uuid.uuid4().hex}", timezone.now()
    try:
        signature = Webhook(settings.BILLING_WEBHOOK_SECRETS[0]).sign(message_id, now, body)
    except (IndexError, binascii.Error, EmptyWebhookSecretError) as error:
        raise NotDelivered("BILLING_WEBHOOK_SECRETS holds no usable secret") from error
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }

"""What staff decide about subscribers and deliveries. A job does it afterwards: no request waits for anybody."""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, InvalidInputError
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from orders.outbox.claiming import LEASE

log = logging.getLogger(__name__)
Status = WebhookDelivery.Status
PREFIX = "whsec_"
BYTES = 32
BOTH_LIVE = timedelta(hours=24)
"""So long the secret before signs as well."""
TEST_PAYLOAD = {"message": "This is a test. Nothing has happened."}


class NotASecretError(InvalidInputError):
    """What was typed cannot sign."""

    message = _("A secret is whsec_ and 24 to 64 bytes in base64.")


class NotActiveError(DomainError):
    """The subscriber is told nothing: enable it first."""

    code, status = "SUBSCRIBER_NOT_ACTIVE", 409
    message = _("This subscriber is not active: enable it first.")


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def check_secret(text: str) -> None:
    """Whether it can sign, and cannot be guessed.

    Raises:
        NotASecretError
    """
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotASecretError from error
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise NotASecretError


@transaction.atomic
def rotate_secret(*, endpoint_id: int, secret: str, now: datetime) -> WebhookEndpoint:
    """Signs with a new secret, and for a day with the one before as well.

    Raises:
        NotASecretError
    """
    check_secret(secret)
    endpoint = lock_endpoint(endpoint_id)
    if secret != endpoint.secret:  # sent twice
        endpoint.previous_secret, endpoint.previous_secret_until = endpoint.secret, now + BOTH_LIVE
        endpoint.secret = secret
        endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint


@transaction.atomic
def disable(*, endpoint_id: int, reason: str, now: datetime) -> WebhookEndpoint:
    """Tells a subscriber nothing more, and drops what waits for it. It is in the log once."""
    endpoint = lock_endpoint(endpoint_id)
    if endpoint.is_active:
        endpoint.is_active, endpoint.disabled_reason = False, reason[:200]
        endpoint.save(update_fields=["is_active", "disabled_reason"])
        log.error("subscriber %s is told nothing more: %s", endpoint_id, reason)
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, status=Status.WAITING).order_by("id")
    ids = list(waiting.select_for_update().values_list("id", flat=True))
    WebhookDelivery.objects.filter(id__in=ids).update(
        status=Status.DROPPED, next_try_at=None, settled_at=now, last_error=reason[:300]
    )
    return endpoint


@transaction.atomic
def pause(*, endpoint_id: int) -> WebhookEndpoint:
    """Tells a subscriber nothing until it is enabled: what waits for it goes on waiting, new events pass it by."""
    endpoint = lock_endpoint(endpoint_id)
    endpoint.is_active = False
    endpoint.save(update_fields=["is_active"])
    return endpoint


@transaction.atomic
def enable(*, endpoint_id: int) -> WebhookEndpoint:
    """Tells a subscriber again. What it missed meanwhile can be sent again by hand."""
    endpoint = lock_endpoint(endpoint_id)
    endpoint.is_active, endpoint.disabled_reason, endpoint.silent_since = True, "", None
    endpoint.save(update_fields=["is_active", "disabled_reason", "silent_since"])
    return endpoint


@transaction.atomic
def send_test(*, endpoint_id: int, now: datetime) -> WebhookDelivery:
    """Queues an event for this subscriber alone, of a topic that nobody can subscribe to.

    Raises:
        NotActiveError
    """
    endpoint = lock_endpoint(endpoint_id)
    if not endpoint.is_active:
        raise NotActiveError
    event = OutboxEvent.objects.create(
        topic=OutboxEvent.Topic.TEST, payload=TEST_PAYLOAD, created_at=now, published_at=now, streamed_at=now
    )
    return WebhookDelivery.objects.create(
        event=event, endpoint=endpoint, created_at=now, queued_at=now, next_try_at=now
    )


@transaction.atomic
def send_again(*, delivery_ids: Sequence[int], now: datetime) -> int:
    """Queues deliveries once more, settled or waiting for a later try; how many. Those under way are left alone."""
    under_way = Q(status=Status.WAITING, next_try_at__lte=now + LEASE)
    chosen = WebhookDelivery.objects.filter(id__in=delivery_ids, endpoint__is_active=True).exclude(under_way)
    ids = list(chosen.order_by("id").select_for_update(of=("self",)).values_list("id", flat=True))
    return WebhookDelivery.objects.filter(id__in=ids).update(
        status=Status.WAITING, queued_at=now, next_try_at=now, failures=0, settled_at=None
    )


MISSED = """
INSERT INTO orders_webhookdelivery (event_id, endpoint_id, status, created_at, queued_at, next_try_at)
SELECT e.id, n.id, 'waiting', %(now)s, %(now)s, %(now)s
FROM orders_outboxevent e JOIN orders_webhookendpoint n ON n.is_active AND n.topics @> to_jsonb(e.topic::text)
WHERE e.id = ANY(%(events)s) AND e.published_at IS NOT NULL ORDER BY e.id, n.id
ON CONFLICT (event_id, endpoint_id) DO NOTHING
"""


@transaction.atomic
def send_events_again(*, event_ids: Sequence[UUID], now: datetime) -> int:
    """Queues events once more for all their subscribers, those who came later too; how many deliveries."""
    known = WebhookDelivery.objects.filter(event__in=event_ids).values_list("id", flat=True)
    queued = send_again(delivery_ids=list(known), now=now)
    with connection.cursor() as cursor:
        cursor.execute(MISSED, {"events": list(event_ids), "now": now})
        return queued + int(cursor.rowcount)


def replay_dead(*, limit: int | None, now: datetime) -> int:
    """Queues dead deliveries once more, the oldest first, `limit` of them at most; how many."""
    dead = WebhookDelivery.objects.dead().filter(endpoint__is_active=True).order_by("id")
    return send_again(delivery_ids=list(dead.values_list("id", flat=True)[:limit]), now=now)


def lock_endpoint(endpoint_id: int) -> WebhookEndpoint:
    """The subscriber's row, locked.

    Raises:
        WebhookEndpoint.DoesNotExist
    """
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)

"""Events and deliveries do not stay for ever. Deleted in small batches, each its own transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from core.retention import BATCH
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint

# What waits still goes too, a month later: its subscriber was switched off all that time.
FORGET_DELIVERIES = """
WITH old AS (
    SELECT id FROM orders_webhookdelivery WHERE created_at < %(before)s AND queued_at < %(before)s
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), log AS (DELETE FROM orders_webhooktry USING old WHERE delivery_id = old.id)
SELECT id FROM old
"""
FORGET_EVENTS = """
DELETE FROM orders_outboxevent e WHERE id = ANY(ARRAY(
    SELECT id FROM orders_outboxevent e
    WHERE created_at < %(before)s AND published_at IS NOT NULL AND streamed_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM orders_webhookdelivery d WHERE d.event_id = e.id)
    ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
))
"""


def old_deliveries(before: datetime) -> int:
    """How many deliveries were queued before."""
    return WebhookDelivery.objects.filter(created_at__lt=before, queued_at__lt=before).count()


def old_events(before: datetime) -> int:
    """How many events happened before and were told; those that still have deliveries too."""
    told = OutboxEvent.objects.exclude(published_at=None).exclude(streamed_at=None)
    return told.filter(created_at__lt=before).count()


@transaction.atomic
def forget_deliveries(before: datetime) -> int:
    """A batch of them, with their logs; how many. The tries first: PostgreSQL checks at the end of each statement."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_DELIVERIES, {"before": before, "most": BATCH})
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute("DELETE FROM orders_webhookdelivery WHERE id = ANY(%s)", [ids])
    return len(ids)


def forget_events(before: datetime) -> int:
    """A batch of events without deliveries; how many."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_EVENTS, {"before": before, "most": BATCH})
        return int(cursor.rowcount)


@transaction.atomic
def forget_endpoint(endpoint: WebhookEndpoint) -> None:
    """Deletes a subscriber with all that was sent to it: by set, not row by row as Django would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM orders_webhooktry USING orders_webhookdelivery d "
            "WHERE delivery_id = d.id AND d.endpoint_id = %s",
            [endpoint.pk],
        )
        cursor.execute("DELETE FROM orders_webhookdelivery WHERE endpoint_id = %s", [endpoint.pk])
    endpoint.delete()

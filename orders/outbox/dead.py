"""Deliveries that were given up, for `manage.py dead_letters`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core import dead_letters
from core.dead_letters import Letter, Pile
from orders.models import WebhookDelivery
from orders.outbox.endpoints import replay_dead


def number() -> int:
    """How many there are."""
    return WebhookDelivery.objects.dead().count()


def newest(limit: int) -> Sequence[Letter]:
    """The newest first."""
    dead = WebhookDelivery.objects.dead().select_related("event", "endpoint").order_by("-id")
    return [letter_of(delivery) for delivery in dead[:limit]]


def letter_of(delivery: WebhookDelivery) -> Letter:
    """A delivery as people look for it. The subscriber is its id: its address may hold a key."""
    return {
        "id": delivery.pk,
        "settledAt": delivery.settled_at,
        "topic": delivery.event.topic,
        "eventId": delivery.event_id,
        "subscriber": delivery.endpoint_id,
        "tries": delivery.tries,
        "error": delivery.last_error,
    }


def replay(limit: int | None, now: datetime) -> int:
    """Queues the oldest once more; how many."""
    return replay_dead(limit=limit, now=now)


def register_pile() -> None:
    """Makes them known; called when the app is ready."""
    columns = ("Id", "When (UTC)", "Topic", "Event", "Subscriber", "Tries", "Error")
    dead_letters.register(Pile("webhooks", "dead webhook deliveries", columns, number, newest, replay))

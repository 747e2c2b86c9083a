"""Deliveries that are due, taken by one worker at a time: some of each subscriber, so that none waits for another."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from orders.models import WebhookDelivery, WebhookEndpoint
from orders.outbox.calling import Letter

AT_ONCE = 100
"""Calls of one worker at a time."""
EACH = 25
"""Of these to one subscriber."""
SILENT_EACH = 2
"""The same while it answers nothing: whoever waits for it in vain must be few."""
LEASE = timedelta(seconds=60)
"""Longer than a delivery is held (it is called for 10 s and written down): a dead worker's come again after this."""

# An array, not IN (SELECT ...): that may be planned as a loop that runs the subquery again and takes more than LIMIT.
CLAIM = """
UPDATE orders_webhookdelivery d SET next_try_at = %(lease)s, tries = d.tries + 1
FROM orders_outboxevent e
WHERE e.id = d.event_id AND d.id = ANY(ARRAY(
    SELECT due.id FROM unnest(%(endpoints)s::bigint[], %(rooms)s::int[]) AS share (endpoint_id, room)
    CROSS JOIN LATERAL (
        SELECT id FROM orders_webhookdelivery
        WHERE endpoint_id = share.endpoint_id AND next_try_at <= %(now)s
        ORDER BY next_try_at, id FOR UPDATE SKIP LOCKED LIMIT share.room
    ) due
))
RETURNING d.id, d.tries, d.failures, d.queued_at, d.endpoint_id, e.id, e.topic, e.created_at, e.payload::text
"""


@dataclass
class Hand:
    """What a worker has in hand: how many calls of each subscriber are under way."""

    busy: Counter[int] = field(default_factory=Counter)

    @property
    def free(self) -> int:
        """How many more may begin."""
        return AT_ONCE - self.under_way

    @property
    def under_way(self) -> int:
        """How many calls have begun and are not over."""
        return self.busy.total()

    def take(self, *, now: datetime, patient: bool = True) -> list[Letter]:
        """Some of what is due, as many of each subscriber as there is room for it; if not `patient`, of none that
        answered nothing last time.
        """
        found = waited_for(now) if self.free else []
        endpoints = {endpoint.pk: endpoint for endpoint in found if patient or endpoint.silent_since is None}
        rooms = self.rooms(endpoints)
        letters = claim(rooms, endpoints, now=now) if rooms else []
        self.busy.update(letter.endpoint_id for letter in letters)
        return letters

    def rooms(self, endpoints: Mapping[int, WebhookEndpoint]) -> dict[int, int]:
        """How many of each may be taken. If not all of them find room, chance decides."""
        open_ = {key: room for key, endpoint in endpoints.items() if (room := self.room(endpoint)) > 0}
        if not open_ or self.free <= 0:
            return {}
        share = max(1, self.free // len(open_))
        lucky = random.sample(sorted(open_), min(len(open_), self.free))
        return {key: min(open_[key], share) for key in lucky}

    def room(self, endpoint: WebhookEndpoint) -> int:
        """How many more calls of this one may begin."""
        return (SILENT_EACH if endpoint.silent_since else EACH) - self.busy[endpoint.pk]

    def put_down(self, letter: Letter) -> None:
        """The call is over."""
        self.busy[letter.endpoint_id] -= 1


def waited_for(now: datetime) -> list[WebhookEndpoint]:
    """The active subscribers for whom something is due."""
    due = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), next_try_at__lte=now)
    return list(WebhookEndpoint.objects.filter(Exists(due), is_active=True))


def claim(rooms: Mapping[int, int], endpoints: Mapping[int, WebhookEndpoint], *, now: datetime) -> list[Letter]:
    """Takes due deliveries until the lease ends, so that no two workers send one."""
    words: dict[str, Any] = {"endpoints": list(rooms), "rooms": list(rooms.values()), "now": now, "lease": now + LEASE}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, words)
        rows = cursor.fetchall()
    return [letter_of(row, endpoints[row[4]], now=now) for row in rows]


def letter_of(row: tuple[Any, ...], endpoint: WebhookEndpoint, *, now: datetime) -> Letter:
    """A delivery as it is sent."""
    names = ("delivery_id", "turn", "failures", "queued_at", "endpoint_id", "event_id", "topic", "created_at", "data")
    taken = dict(zip(names, row, strict=True))
    return Letter(**taken, url=endpoint.url, secrets=endpoint.live_secrets(now))

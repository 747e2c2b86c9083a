"""Events on their way out: a delivery for each subscriber, and an entry of the stream. Neither waits for the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from core import redis as core_redis
from core.redis import Client, RedisAwayError
from core.redis_scripts import evaluate
from orders.models import OutboxEvent

BATCH = 500
STREAM = "outbox:{events}"
"""The stream for services on this machine: docs/events.md says how it is read."""
SEEN_SECONDS = 24 * 60 * 60
"""So long it is known that an event is in the stream: a worker that dies before PostgreSQL knows adds none twice."""

SPREAD = """
WITH taken AS (
    SELECT id FROM orders_outboxevent WHERE published_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %(most)s
), told AS (
    UPDATE orders_outboxevent e SET published_at = %(now)s FROM taken WHERE e.id = taken.id RETURNING e.id, e.topic
), written AS (
    INSERT INTO orders_webhookdelivery (event_id, endpoint_id, status, created_at, queued_at, next_try_at)
    SELECT told.id, n.id, 'waiting', %(now)s, %(now)s, %(now)s
    FROM told JOIN orders_webhookendpoint n ON n.is_active AND n.topics @> to_jsonb(told.topic::text)
    ORDER BY told.id
    ON CONFLICT (event_id, endpoint_id) DO NOTHING
)
SELECT count(*) FROM told
"""

ADD = """
local added = 0
for place = 2, #KEYS do
    local entry = 3 + (place - 2) * 4
    if redis.call('SET', KEYS[place], 1, 'NX', 'EX', ARGV[2]) then
        redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'id', ARGV[entry], 'type', ARGV[entry + 1],
                   'timestamp', ARGV[entry + 2], 'data', ARGV[entry + 3])
        added = added + 1
    end
end
return added
"""


def spread(*, now: datetime) -> int:
    """Writes a delivery for each active subscriber of each of the oldest events that have none; how many events.

    One statement: an event has all its deliveries or none.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, {"now": now, "most": BATCH})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def stream(*, now: datetime) -> int:
    """Adds the oldest events that are not in the stream to it; how many. None while Redis is away: they wait for it.

    Not claimed, since no transaction is open while Redis is asked: of two that do it at once Redis adds each event
    for the first that comes.
    """
    waiting = OutboxEvent.objects.filter(streamed_at=None).order_by("id")
    events = list(waiting.only("id", "topic", "created_at", "payload")[:BATCH])
    if not events:
        return 0
    try:
        core_redis.call(lambda client: add(client, events))
    except RedisAwayError:
        return 0
    done = [event.id for event in events]
    return OutboxEvent.objects.filter(id__in=done, streamed_at=None).update(streamed_at=now)


def add(client: Client, events: Sequence[OutboxEvent]) -> int:
    """Adds those of them that are not there yet; how many."""
    keys = [STREAM, *(f"{STREAM}:{event.id.hex}" for event in events)]
    words: list[str | int] = [settings.OUTBOX_STREAM_LIMIT, SEEN_SECONDS]
    for event in events:
        data = json.dumps(event.payload, ensure_ascii=False, separators=(",", ":"))
        words += [str(event.id), event.topic, instant(event.created_at), data]
    return int(evaluate(client, ADD, keys, words))


def instant(moment: datetime) -> str:
    """An instant as events write it: ISO 8601, UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

"""From the stream to PostgreSQL: batches in one transaction, acknowledged after the commit.

A batch that is delivered twice changes nothing twice: totals are computed from the rows that were really inserted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import redis
from django.db import DataError, IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from core import redis as core_redis
from core.redis import Client
from sessions_app.models import DeadLetter, VisitorSession
from sessions_app.state import CRAWLERS, STREAM

log = logging.getLogger(__name__)
GROUP = "flushers"
BATCH = 500
CLAIM_AFTER_MS = 60_000

Entry = dict[str, Any]

SESSION_COLUMNS = (
    "session_id uuid, visitor_id uuid, customer_id uuid, consent text, ip_prefix text, user_agent text, device text, "
    "browser text, os text, country text, city text, landing_page text, referrer text, referrer_host text, "
    "utm_source text, utm_medium text, utm_campaign text, utm_term text, utm_content text, channel text, "
    "touches jsonb, started_at timestamptz, last_seen_at timestamptz"
)
SESSION_NAMES = ", ".join(column.split()[0] for column in SESSION_COLUMNS.split(", "))

INSERT_SESSIONS = f"""
INSERT INTO sessions_app_visitorsession ({SESSION_NAMES}, type, is_bot, unconfirmed, script_page_views, api_page_views,
    script_product_views, api_product_views, cart_additions, checkouts_started, other_events, events_count, converted)
SELECT {SESSION_NAMES}, CASE WHEN customer_id IS NULL THEN 'anonymous' ELSE 'customer' END,
    false, true, 0, 0, 0, 0, 0, 0, 0, 0, false
FROM jsonb_to_recordset(%s) AS given ({SESSION_COLUMNS})
ORDER BY session_id
ON CONFLICT (session_id) DO NOTHING
"""  # noqa: S608 - the names above

LOCK_SESSIONS = """
SELECT session_id FROM sessions_app_visitorsession WHERE session_id = ANY(%s::uuid[]) ORDER BY session_id
FOR NO KEY UPDATE
"""

INSERT_EVENTS = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(events)s) AS e (event_id uuid, session_id uuid, event_type text, source text,
        page text, product_id uuid, metadata jsonb, "timestamp" timestamptz)
),
inserted AS (
    INSERT INTO sessions_app_sessionevent
        (event_id, session_id, visitor_id, event_type, source, page, product_id, metadata, "timestamp")
    SELECT DISTINCT ON (event_id)
        event_id, session_id, s.visitor_id, event_type, source, page, product_id, metadata, "timestamp"
    FROM given JOIN sessions_app_visitorsession s USING (session_id)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING session_id, event_type, source, "timestamp"
),
totals AS (
    SELECT session_id, count(*) AS events, max("timestamp") AS seen,
        count(*) FILTER (WHERE event_type = 'page_view' AND source <> 'api') AS script_pages,
        count(*) FILTER (WHERE event_type = 'page_view' AND source = 'api') AS api_pages,
        count(*) FILTER (WHERE event_type = 'product_view' AND source <> 'api') AS script_products,
        count(*) FILTER (WHERE event_type = 'product_view' AND source = 'api') AS api_products,
        count(*) FILTER (WHERE event_type = 'add_to_cart') AS carts,
        count(*) FILTER (WHERE event_type = 'checkout_started') AS checkouts,
        count(*) FILTER (WHERE event_type NOT IN ('page_view', 'product_view')) AS others,
        bool_and(source = 'api') AS unconfirmed
    FROM inserted GROUP BY session_id
)
UPDATE sessions_app_visitorsession s SET
    events_count = events_count + t.events,
    script_page_views = script_page_views + t.script_pages,
    api_page_views = api_page_views + t.api_pages,
    script_product_views = script_product_views + t.script_products,
    api_product_views = api_product_views + t.api_products,
    cart_additions = cart_additions + t.carts,
    checkouts_started = checkouts_started + t.checkouts,
    other_events = other_events + t.others,
    unconfirmed = s.unconfirmed AND t.unconfirmed,
    last_seen_at = GREATEST(s.last_seen_at, CASE WHEN s.ended_at IS NULL THEN t.seen ELSE s.last_seen_at END)
FROM totals t WHERE s.session_id = t.session_id
"""


def store(entries: Sequence[Entry]) -> None:
    """Writes sessions and events, in one transaction. An event of an unknown session becomes a dead letter.

    Raises:
        DataError, IntegrityError: one of the entries is poisonous; nothing was written. See `store_each`.
    """
    sessions = [entry for entry in entries if "started_at" in entry]
    events = [entry for entry in entries if "event_id" in entry]
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if sessions:
            cursor.execute(INSERT_SESSIONS, [json.dumps(sessions)])
        if events:
            wanted = {entry["session_id"] for entry in events}
            cursor.execute(LOCK_SESSIONS, [list(wanted)])
            unknown = wanted - {row[0].hex for row in cursor.fetchall()}
            if unknown:
                bury([entry for entry in events if entry["session_id"] in unknown], "the session is unknown")
            cursor.execute(INSERT_EVENTS, {"events": json.dumps(events)})
        for entry in entries:
            if "arrival" in entry:
                store_arrival(cursor, entry)


def store_arrival(cursor: CursorWrapper, entry: Entry) -> None:
    """Adds a touch to a visit, once; or says where the visit came from when its first request could not."""
    touch = entry["arrival"]
    if entry["fills"]:
        source = {name: value for name, value in touch.items() if name != "at"}
        VisitorSession.objects.filter(pk=entry["session_id"]).update(touches=[touch], **source)
        return
    cursor.execute(
        "UPDATE sessions_app_visitorsession SET touches = touches || %(touch)s::jsonb "
        "WHERE session_id = %(session)s AND NOT touches @> %(touch)s::jsonb",
        {"touch": json.dumps([touch]), "session": entry["session_id"]},
    )


def store_each(entries: Sequence[Entry]) -> None:
    """Writes what can be written: a batch with one poisonous entry loses only that one, to the dead letters."""
    try:
        store(entries)
    except (DataError, IntegrityError, KeyError) as error:
        if len(entries) == 1:
            log.error("an entry could not be stored: %s", error)
            bury(entries, str(error))
            return
        middle = len(entries) // 2
        store_each(entries[:middle])
        store_each(entries[middle:])


def bury(entries: Sequence[Entry], error: str) -> None:
    """Keeps what could not be stored, with the reason."""
    DeadLetter.objects.bulk_create([DeadLetter(entry=entry, error=error[:2000]) for entry in entries])


def flush(*, consumer: str, batches: int = 20) -> int:
    """Takes up to `batches` batches off the stream; returns how many entries were stored.

    What a flusher that died left unacknowledged for a minute is taken over first.

    Raises:
        RedisAwayError: Redis cannot be asked.
        OperationalError: PostgreSQL cannot; nothing is acknowledged, the next flush takes it again.
    """
    core_redis.call(ensure_group)
    stored = 0
    for number in range(batches):
        taken = (take_over(consumer) if number == 0 else []) or take_new(consumer)
        if not taken:
            break
        store_each([decode_entry(fields) for _entry_id, fields in taken])
        acknowledge([entry_id for entry_id, _fields in taken])
        stored += len(taken)
    store_crawlers()
    return stored


def ensure_group(client: Client) -> None:
    """Makes the consumer group if it is not there (a Redis that lost its data)."""
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def take_new(consumer: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The next entries that nobody has."""
    answer: Any = core_redis.call(lambda client: client.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=BATCH))
    if not answer:
        return []
    entries = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))
    return list(entries)


def take_over(consumer: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Entries that a flusher took a minute ago and never acknowledged."""
    answer: Any = core_redis.call(
        lambda client: client.xautoclaim(STREAM, GROUP, consumer, min_idle_time=CLAIM_AFTER_MS, count=BATCH)
    )
    return [(entry_id, fields) for entry_id, fields in answer[1] if fields]


def acknowledge(entry_ids: Sequence[bytes]) -> None:
    """Tells the stream that the entries are stored, and removes them from it."""

    def both(client: Client) -> None:
        client.pipeline(transaction=True).xack(STREAM, GROUP, *entry_ids).xdel(STREAM, *entry_ids).execute()

    core_redis.call(both)


def decode_entry(fields: dict[bytes, bytes]) -> Entry:
    """The entry of a stream message."""
    return decode_text(fields[b"e"])


def decode_text(text: str | bytes) -> Entry:
    """The entry of its text."""
    entry: Entry = json.loads(text)
    return entry


def encode_entry(entry: Entry) -> str:
    """The text of an entry."""
    return json.dumps(entry)


def store_crawlers() -> None:
    """Copies the day's counts of crawler page views. Absolute figures, so that copying twice changes nothing."""
    counts: dict[bytes, bytes] = core_redis.call(lambda client: client.hgetall(CRAWLERS))
    with connection.cursor() as cursor:
        for day, count in sorted(counts.items()):
            cursor.execute(
                "INSERT INTO sessions_app_crawlerday (day, source, page_views) VALUES (%s, 'api', %s) "
                "ON CONFLICT (day, source) DO UPDATE "
                "SET page_views = GREATEST(sessions_app_crawlerday.page_views, EXCLUDED.page_views)",
                [day.decode(), int(count)],
            )


def count_crawler(*, day: str, views: int) -> None:
    """Notes page views of a crawler on an ISO day.

    Raises:
        RedisAwayError: it is not counted then.
    """

    def count(client: Client) -> None:
        client.pipeline(transaction=True).hincrby(CRAWLERS, day, views).execute()

    core_redis.call(count)


def stream_lag() -> tuple[int, datetime | None]:
    """Entries that wait in the stream, and since when the oldest waits."""
    length: int = core_redis.call(lambda client: client.xlen(STREAM))
    oldest: Any = core_redis.call(lambda client: client.xrange(STREAM, count=1))
    return length, datetime.fromtimestamp(int(oldest[0][0].split(b"-")[0]) / 1000).astimezone() if oldest else None

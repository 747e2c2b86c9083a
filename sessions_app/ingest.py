"""From the stream to PostgreSQL: batches in one transaction each, acknowledged after the commit."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import redis
from django.db import connection

from core import redis as core_redis
from core.postgresql.patience import waits_at_most
from core.redis import Client
from sessions_app import storing
from sessions_app.entries import Entry, kind_of
from sessions_app.state import CRAWLERS, STREAM, keep_guard

GROUP = "flushers"
BATCH = 4000
"""Entries. Redis acknowledges fewer than 8,000 at a time."""
Taken = tuple[bytes, Entry]
"""A message of the stream: its id there, and what it carries."""
TURN = "flusher:{visits}"
TURN_MS = 30_000
"""A flusher that says nothing for so long is dead, and the next takes its place."""
FLUSHER_SECONDS = 15.0
"""Less than its turn: one that hears nothing of PostgreSQL gives up before the next takes its place."""


def this_process() -> str:
    """What this process is called as a flusher."""
    return f"{socket.gethostname()}-{os.getpid()}"


@waits_at_most(FLUSHER_SECONDS)
def flush(*, consumer: str, batches: int = 50) -> int:
    """Takes up to `batches` batches off the stream; returns how many entries were stored.

    One flusher at a time, so that a visit is stored before its events; whoever comes meanwhile has nothing to do. What
    one that died left unacknowledged is taken over first. While PostgreSQL stores a batch, the next is fetched.

    Raises:
        RedisAwayError: Redis cannot be asked.
        OperationalError: PostgreSQL cannot; nothing is acknowledged, the next flush takes it again.
    """
    keep_guard()
    core_redis.call(ensure_group)
    if not take_turn(consumer):
        return 0
    try:
        stored = 0
        while taken := take_over(consumer):
            stored += store_taken(taken)
            acknowledge(taken)
        return stored + store_new(consumer, batches)
    finally:
        end_turn(consumer)


def store_new(consumer: str, batches: int) -> int:
    """Stores what nobody has taken yet, `batches` batches at most; returns how many entries. A thread asks Redis."""
    taken, stored = take_new(consumer), 0
    acknowledged: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=1) as aside:
        while taken:
            batches -= 1
            more = aside.submit(take_new, consumer) if batches > 0 else None
            stored += store_taken(taken)
            acknowledged.append(aside.submit(acknowledge, taken))
            taken = more.result() if more else []
    for done in acknowledged:
        done.result()
    store_crawlers()
    return stored


def store_taken(taken: Sequence[Taken]) -> int:
    """Stores a batch; returns its size."""
    storing.store_each([entry for _entry_id, entry in taken])
    return len(taken)


# A flusher that Redis left in the middle could not end its turn; it goes on with it when Redis is back.
TAKE_TURN = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


def take_turn(consumer: str) -> bool:
    """Whether this flusher may go on: nobody else does, or has for a while."""
    taken: int = core_redis.call(lambda client: client.eval(TAKE_TURN, 1, TURN, consumer, TURN_MS))
    return taken == 1


def end_turn(consumer: str) -> None:
    """Lets the next one in; not if it is in already because this one took too long."""
    script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
    core_redis.call(lambda client: client.eval(script, 1, TURN, consumer))


def ensure_group(client: Client) -> None:
    """Makes the consumer group if it is not there (a Redis that lost its data)."""
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def take_new(consumer: str) -> list[Taken]:
    """The next entries that nobody has; prolongs the flusher's turn."""

    def take(client: Client) -> Any:
        pipe = client.pipeline(transaction=False)
        pipe.pexpire(TURN, TURN_MS)
        return pipe.xreadgroup(GROUP, consumer, {STREAM: ">"}, count=BATCH).execute()[-1]

    answer = core_redis.call(take)
    if not answer:
        return []
    return read(answer[0][1] if isinstance(answer, list) else next(iter(answer.values())))


def take_over(consumer: str) -> list[Taken]:
    """Entries that a flusher took and never acknowledged: it died, or PostgreSQL was away. The oldest first."""
    answer: Any = core_redis.call(
        lambda client: client.xautoclaim(STREAM, GROUP, consumer, min_idle_time=0, count=BATCH)
    )
    return read(answer[1])


def read(messages: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[Taken]:
    """The entries of stream messages, each of which has one field, named by the entry's kind."""
    return [
        (entry_id, Entry(kind_of(name), text)) for entry_id, fields in messages for name, text in (fields or {}).items()
    ]


# What is stored leaves the stream, up to the oldest that a flusher still holds: nothing unacknowledged is ever trimmed.
ACKNOWLEDGE = """
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 3))
local held = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
redis.call('XTRIM', KEYS[1], 'MINID', held or ARGV[2])
"""


def acknowledge(taken: Sequence[Taken]) -> None:
    """Tells the stream that the entries, in its order, are stored."""
    entry_ids = [entry_id for entry_id, _entry in taken]
    milliseconds, number = entry_ids[-1].split(b"-")
    words = [GROUP, b"%b-%d" % (milliseconds, int(number) + 1), *entry_ids]
    core_redis.call(lambda client: client.eval(ACKNOWLEDGE, 1, STREAM, *words))


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
    """Notes page views of a crawler on an ISO day, the shop's.

    Raises:
        RedisAwayError: it is not counted then.
    """

    def count(client: Client) -> None:
        client.pipeline(transaction=True).hincrby(CRAWLERS, day, views).execute()

    core_redis.call(count)


def stream_lag() -> tuple[int, datetime | None]:
    """Entries that wait in the stream, and since when the oldest waits."""
    length: int = core_redis.call(lambda client: client.xlen(STREAM))
    return length, came_at(core_redis.call(lambda client: client.xrange(STREAM, count=1)))


def newest_waiting() -> datetime | None:
    """When the newest entry of the stream came, by the clock of Redis, as all times in the stream.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return came_at(core_redis.call(lambda client: client.xrevrange(STREAM, count=1)))


def came_at(messages: Sequence[tuple[bytes, Any]]) -> datetime | None:
    """When the first of these messages came; to the millisecond."""
    return datetime.fromtimestamp(int(messages[0][0].split(b"-")[0]) / 1000).astimezone() if messages else None

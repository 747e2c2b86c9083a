"""Ends visits that lapsed. Their end is when they were last seen, not when this ran."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from core import redis as core_redis
from core.redis import RedisAwayError
from sessions_app.models import VisitorSession
from sessions_app.state import ACTIVE

BATCH = 1000
Sight = tuple[str, float]
"""A session's id in hexadecimal, and when it was last seen, as Unix seconds."""


def close_lapsed(*, now: datetime) -> int:
    """Writes `ended_at` of sessions not seen for 30 minutes; returns how many.

    The active set knows requests that left no event, and events that still wait, so it is asked for each session's last
    sight. While Redis is away nothing is closed: nobody knows who is there.
    """
    limit = now - timedelta(seconds=settings.VISITOR_SESSION_TTL_SECONDS)
    total = 0
    with suppress(RedisAwayError):
        take_last_sights(limit)
        found = BATCH
        while found:
            found, closed = close_batch(limit)
            total += closed
    return total


@transaction.atomic
def close_batch(limit: datetime) -> tuple[int, int]:
    """Up to `BATCH` of them: after a day without this job they are too many for one statement. Returns how many rows
    looked lapsed, and how many were.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    lapsed = VisitorSession.objects.filter(ended_at=None, last_seen_at__lte=limit)
    found = list(lapsed.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:BATCH])
    if not found:
        return 0, 0
    note(last_sights([session_id.hex for session_id in found]))
    return len(found), lapsed.filter(pk__in=found).update(ended_at=F("last_seen_at"))


def take_last_sights(limit: datetime) -> None:
    """Moves the last sight of lapsed sessions from the active set to their rows, batch by batch.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    while sights := lapsed_members(limit):
        note(sights)
        forget_members([session_id for session_id, _at in sights])


def note(sights: Sequence[Sight]) -> None:
    """Writes when sessions were last seen, unless they ended or their rows know better."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH seen AS (SELECT * FROM unnest(%s::uuid[], %s::float8[]) AS s(session_id, at)),
            held AS (SELECT session_id FROM sessions_app_visitorsession
                     WHERE session_id IN (SELECT session_id FROM seen) ORDER BY session_id FOR NO KEY UPDATE)
            UPDATE sessions_app_visitorsession v SET last_seen_at = GREATEST(v.last_seen_at, to_timestamp(seen.at))
            FROM seen JOIN held USING (session_id) WHERE v.session_id = seen.session_id AND v.ended_at IS NULL
            """,
            [[session_id for session_id, _at in sights], [at for _session_id, at in sights]],
        )


def last_sights(session_ids: Sequence[str]) -> list[Sight]:
    """When these sessions were last seen, as far as the active set knows them."""
    scores: list[float | None] = core_redis.call(lambda client: client.zmscore(ACTIVE, list(session_ids)))
    return [(name, at) for name, at in zip(session_ids, scores, strict=True) if at is not None]


def lapsed_members(limit: datetime) -> list[Sight]:
    """Sessions of the active set that were last seen before the limit."""
    found: list[tuple[bytes, float]] = core_redis.call(
        lambda client: client.zrangebyscore(ACTIVE, "-inf", limit.timestamp(), start=0, num=BATCH, withscores=True)
    )
    return [(member.decode(), at) for member, at in found]


def forget_members(session_ids: Sequence[str]) -> None:
    """Takes sessions out of the active set."""
    core_redis.call(lambda client: client.zrem(ACTIVE, *session_ids))

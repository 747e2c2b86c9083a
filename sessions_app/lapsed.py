"""Ends visits that lapsed. Their end is when they were last seen, not when this ran."""

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


def close_lapsed(*, now: datetime) -> int:
    """Writes `ended_at` of sessions not seen for 30 minutes; returns how many.

    The active set knows requests that left no event, so a session's last sight is taken from there first.
    """
    limit = now - timedelta(seconds=settings.VISITOR_SESSION_TTL_SECONDS)
    with suppress(RedisAwayError):  # the rows' own last_seen_at, from their events, is then the best that is known
        take_last_sights(limit)
    closed = 0
    while batch := close_batch(limit):
        closed += batch
    return closed


@transaction.atomic
def close_batch(limit: datetime) -> int:
    """Up to `BATCH` of them: after a day without this job they are too many for one statement."""
    lapsed = VisitorSession.objects.filter(ended_at=None, last_seen_at__lte=limit)
    found = list(lapsed.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:BATCH])
    return VisitorSession.objects.filter(pk__in=found).update(ended_at=F("last_seen_at")) if found else 0


def take_last_sights(limit: datetime) -> None:
    """Moves the last sight of lapsed sessions from the active set to their rows, batch by batch.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    while lapsed := lapsed_members(limit):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH seen AS (SELECT * FROM unnest(%s::uuid[], %s::float8[]) AS s(session_id, at)),
                held AS (SELECT session_id FROM sessions_app_visitorsession
                         WHERE session_id IN (SELECT session_id FROM seen) ORDER BY session_id FOR NO KEY UPDATE)
                UPDATE sessions_app_visitorsession v SET last_seen_at = GREATEST(v.last_seen_at, to_timestamp(seen.at))
                FROM seen JOIN held USING (session_id) WHERE v.session_id = seen.session_id AND v.ended_at IS NULL
                """,
                [[member.decode() for member, _score in lapsed], [score for _member, score in lapsed]],
            )
        members = [member for member, _score in lapsed]
        forget_members(members)


def lapsed_members(limit: datetime) -> list[tuple[bytes, float]]:
    """Sessions last seen before the limit, with when, as Unix seconds."""
    found: list[tuple[bytes, float]] = core_redis.call(
        lambda client: client.zrangebyscore(ACTIVE, "-inf", limit.timestamp(), start=0, num=BATCH, withscores=True)
    )
    return found


def forget_members(members: list[bytes]) -> None:
    """Takes sessions out of the active set."""
    core_redis.call(lambda client: client.zrem(ACTIVE, *members))

"""What goes on right now: live sessions, the stream. Nothing here changes anything.

Whatever could take long on a big shop is sampled, and says so: a sample's figures are estimates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import redis
from django.db.models import Count, Max, Min, Sum

from core import redis as core_redis
from core.redis import Client
from core.redis_stats import Keys, Server, keys, server
from sessions_app import ingest, state
from sessions_app.models import CrawlerDay, DeadLetter, VisitorSession
from sessions_app.state import SessionState

WINDOWS_MINUTES = (30, 5, 1)
SAMPLED_SESSIONS = 500


@dataclass(frozen=True)
class Sample:
    """Live sessions, by what is known of them. `size` of `total` were looked at."""

    size: int
    total: int
    by_device: dict[str, int]
    by_type: dict[str, int]
    by_consent: dict[str, int]


@dataclass(frozen=True)
class Consumer:
    """One flusher: how many entries it holds, and for how many seconds it has not been heard of."""

    name: str
    pending: int
    idle_seconds: float


@dataclass(frozen=True)
class Stream:
    """The events on their way. `waiting` has nobody yet, `pending` was taken and is not acknowledged."""

    length: int
    waiting: int
    pending: int
    oldest_seconds: float | None
    oldest_pending_seconds: float | None
    consumers: list[Consumer] = field(default_factory=list)


@dataclass(frozen=True)
class Live:
    """What Redis knows."""

    active: dict[int, int]
    sample: Sample
    stream: Stream
    keys: Keys
    server: Server


@dataclass(frozen=True)
class Stored:
    """What PostgreSQL knows; `active` counts sessions by minutes since they were last seen, as of the last flush."""

    active: dict[int, int]
    dead_letters: int
    oldest_dead_letter: datetime | None
    newest_dead_letter: datetime | None
    crawler_views_today: int


def live(*, now: datetime) -> Live:
    """What Redis knows.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return Live(active=active(now), sample=sample(now), stream=stream(now), keys=keys(), server=server())


def stored(*, now: datetime) -> Stored:
    """What PostgreSQL knows. Days of crawlers are UTC."""
    open_sessions = VisitorSession.objects.filter(ended_at=None)
    letters = DeadLetter.objects.aggregate(number=Count("id"), oldest=Min("created_at"), newest=Max("created_at"))
    crawlers = CrawlerDay.objects.filter(day=now.astimezone(UTC).date()).aggregate(views=Sum("page_views"))
    return Stored(
        active={
            window: open_sessions.filter(last_seen_at__gte=since(now, window)).count() for window in WINDOWS_MINUTES
        },
        dead_letters=letters["number"],
        oldest_dead_letter=letters["oldest"],
        newest_dead_letter=letters["newest"],
        crawler_views_today=crawlers["views"] or 0,
    )


def since(now: datetime, minutes: int) -> datetime:
    """So many minutes ago."""
    return now - timedelta(minutes=minutes)


# Live sessions ------------------------------------------------------------------------------------------------------


def active(now: datetime) -> dict[int, int]:
    """Sessions seen in the last minutes, by minutes.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def count(client: Client) -> list[int]:
        pipe = client.pipeline(transaction=False)
        for window in WINDOWS_MINUTES:
            pipe.zcount(state.ACTIVE, since(now, window).timestamp(), "+inf")
        return list(pipe.execute())

    return dict(zip(WINDOWS_MINUTES, core_redis.call(count), strict=True))


def sample(now: datetime) -> Sample:
    """Who the sessions of the last 30 minutes are: all of them, or as many as may be looked at, picked at random.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    total = active(now)[WINDOWS_MINUTES[0]]
    found = read_sessions(pick_members(now, total))
    return Sample(
        size=len(found),
        total=total,
        by_device=counts(one.profile.device for one in found),
        by_type=counts(one.type for one in found),
        by_consent=counts(one.consent for one in found),
    )


def pick_members(now: datetime, total: int) -> list[bytes]:
    """Members of the active set that were seen in the last 30 minutes."""
    edge = since(now, WINDOWS_MINUTES[0]).timestamp()
    if total <= SAMPLED_SESSIONS:
        members: list[bytes] = core_redis.call(
            lambda client: client.zrangebyscore(state.ACTIVE, edge, "+inf", start=0, num=SAMPLED_SESSIONS)
        )
        return members
    picked: Any = core_redis.call(lambda client: client.zrandmember(state.ACTIVE, SAMPLED_SESSIONS, withscores=True))
    pairs = picked if picked and isinstance(picked[0], list | tuple) else zip(picked[::2], picked[1::2], strict=True)
    return [member for member, score in pairs if float(score) >= edge]


def read_sessions(members: Sequence[bytes]) -> list[SessionState]:
    """The live sessions of these members; one that has expired meanwhile is left out.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    ids = [UUID(member.decode()) for member in members]

    def read(client: Client) -> list[dict[bytes, bytes]]:
        pipe = client.pipeline(transaction=False)
        for session_id in ids:
            pipe.hgetall(state.key(session_id))
        return list(pipe.execute())

    hashes = core_redis.call(read)
    return [decoded(session_id, fields) for session_id, fields in zip(ids, hashes, strict=True) if fields]


def read_session(session_id: UUID) -> SessionState | None:
    """The live copy of a session; None if Redis has none.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return next(iter(read_sessions([session_id.hex.encode()])), None)


def decoded(session_id: UUID, fields: dict[bytes, bytes]) -> SessionState:
    """The state of a whole hash."""
    return state.decode(session_id, {name.decode(): value.decode() for name, value in fields.items()})


def counts(words: Iterable[str]) -> dict[str, int]:
    """How often each word came, the most frequent first."""
    return dict(Counter(words).most_common())


# The stream ---------------------------------------------------------------------------------------------------------


def stream(now: datetime) -> Stream:
    """How far the flushers are behind. What is stored leaves the stream, so its length is all that is not.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    length, oldest = ingest.stream_lag()
    pending, oldest_pending, consumers = taken(now)
    return Stream(
        length=length,
        waiting=max(0, length - pending),
        pending=pending,
        oldest_seconds=(now - oldest).total_seconds() if oldest else None,
        oldest_pending_seconds=oldest_pending,
        consumers=consumers,
    )


def taken(now: datetime) -> tuple[int, float | None, list[Consumer]]:
    """What the flushers hold: how many entries, the age of the oldest in seconds, and who they are."""
    try:
        held: Any = core_redis.call(lambda client: client.xpending(state.STREAM, ingest.GROUP))
        known: Any = core_redis.call(lambda client: client.xinfo_consumers(state.STREAM, ingest.GROUP))
    except redis.ResponseError:  # no stream or no group yet: nothing has ever been taken
        return 0, None, []
    consumers = [Consumer(one["name"].decode(), one["pending"], one["idle"] / 1000) for one in known]
    return held["pending"], age(held["min"], now) if held["min"] else None, consumers


def age(entry_id: bytes, now: datetime) -> float:
    """Seconds since an entry came to the stream: its id begins with the time."""
    return now.timestamp() - int(entry_id.split(b"-")[0]) / 1000

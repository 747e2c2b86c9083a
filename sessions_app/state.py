"""A visit while it lives, and its copy in Redis.

One hash a session, one sorted set of the active ones, one stream of events on their way to PostgreSQL. All keys carry
the same hash tag, so that one script may touch all three: a request of a known session is one atomic round trip.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings

from core import redis as core_redis
from core.redis import Client, RedisAwayError
from sessions_app.models import Consent

ACTIVE = "sessions:{visits}"
STREAM = "events:{visits}"
CRAWLERS = "crawlers:{visits}"
STREAM_LIMIT = 2_000_000
"""Events. A stream this long means that PostgreSQL has been away for long: tracking then writes to it, or says 503."""


class StreamFullError(RedisAwayError):
    """The stream holds all it may; nothing was changed."""


@dataclass(frozen=True)
class Profile:
    """What is known from the first request on. Fields are `VisitorSession`'s."""

    device: str = "other"
    browser: str = ""
    os: str = ""
    country: str = ""
    city: str = ""
    ip_prefix: str = ""
    user_agent: str = ""
    landing_page: str = ""
    referrer: str = ""
    referrer_host: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    channel: str = "direct"


@dataclass(frozen=True)
class SessionState:
    """A visit as Redis (or PostgreSQL) has it now."""

    session_id: UUID
    visitor_id: UUID
    started_at: datetime
    last_seen_at: datetime
    consent: str = Consent.UNKNOWN
    customer_id: UUID | None = None
    script_page_views: int = 0
    api_page_views: int = 0
    order_id: UUID | None = None
    converted: bool = False
    profile: Profile = field(default_factory=Profile)

    @property
    def page_views(self) -> int:
        """A page is counted once: the script's count if it sent any, else the API's."""
        return self.script_page_views or self.api_page_views

    @property
    def type(self) -> str:
        """`anonymous` or `customer`."""
        return "customer" if self.customer_id else "anonymous"

    def alive(self, now: datetime) -> bool:
        """Whether the visit goes on: seen within 30 minutes, started within 24 hours."""
        return (now - self.last_seen_at).total_seconds() < settings.VISITOR_SESSION_TTL_SECONDS and (
            now - self.started_at
        ).total_seconds() < settings.VISITOR_SESSION_MAX_SECONDS


# KEYS: session, active, stream. ARGV: now, ttl, longest, api views, script views, stream limit, session id, events...
# Answers nil for an unknown session, "lapsed", "full", else the fields, a line each (read quicker than a list).
TOUCH = """
local at = redis.call('HMGET', KEYS[1], 'started', 'seen')
if not at[1] then return false end
local now = tonumber(ARGV[1])
if now - tonumber(at[2]) >= tonumber(ARGV[2]) or now - tonumber(at[1]) >= tonumber(ARGV[3]) then return 'lapsed' end
if #ARGV > 7 and redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[6]) then return 'full' end
redis.call('HSET', KEYS[1], 'seen', ARGV[1])
if ARGV[4] ~= '0' then redis.call('HINCRBY', KEYS[1], 'api', ARGV[4]) end
if ARGV[5] ~= '0' then redis.call('HINCRBY', KEYS[1], 'script', ARGV[5]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[7])
for i = 8, #ARGV do redis.call('XADD', KEYS[3], '*', 'e', ARGV[i]) end
return table.concat(redis.call('HMGET', KEYS[1], 'visitor', 'started', 'seen', 'consent', 'customer', 'script', 'api',
    'order', 'converted', 'profile'), '\\n')
"""
FIELDS = ("visitor", "started", "seen", "consent", "customer", "script", "api", "order", "converted", "profile")


def key(session_id: UUID) -> str:
    """The hash of one session."""
    return f"session:{{visits}}:{session_id.hex}"


def touch(
    session_id: UUID, *, now: datetime, api_views: int = 0, script_views: int = 0, events: Sequence[str] = ()
) -> SessionState | None:
    """Notes that the session was seen, with its page views and events. One round trip; None if unknown or lapsed.

    Raises:
        StreamFullError: there are events and no room for them.
        RedisAwayError: Redis cannot be asked.
    """
    answer = core_redis.call(
        lambda _client: touch_script()(
            keys=[key(session_id), ACTIVE, STREAM],
            args=[
                f"{now.timestamp():.6f}",
                settings.VISITOR_SESSION_TTL_SECONDS,
                settings.VISITOR_SESSION_MAX_SECONDS,
                api_views,
                script_views,
                STREAM_LIMIT,
                session_id.hex,
                *events,
            ],
        )
    )
    if answer == b"full":
        raise StreamFullError
    if answer is None or answer == b"lapsed":
        return None
    return decode(session_id, dict(zip(FIELDS, answer.decode().split("\n"), strict=True)))


def save(state: SessionState, *, events: Sequence[str] = ()) -> None:
    """Writes the whole hash, as at the start of a session or when it is brought back from PostgreSQL.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def write(client: Client) -> None:
        pipe = client.pipeline(transaction=True)
        pipe.hset(key(state.session_id), mapping=encode(state))
        pipe.expire(key(state.session_id), settings.VISITOR_SESSION_TTL_SECONDS)
        pipe.zadd(ACTIVE, {state.session_id.hex: state.last_seen_at.timestamp()})
        for event in events:
            pipe.xadd(STREAM, {"e": event})
        pipe.execute()

    core_redis.call(write)


def update(session_id: UUID, **fields: Any) -> None:
    """Changes fields of a hash that is there; an unknown session is left unknown.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    flat = [word for name, value in fields.items() for word in (name, value)]
    script = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(ARGV)) end"
    core_redis.call(lambda client: client.eval(script, 1, key(session_id), *flat))


def forget(session_id: UUID) -> None:
    """Removes a session that ended.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def remove(client: Client) -> None:
        client.pipeline(transaction=True).delete(key(session_id)).zrem(ACTIVE, session_id.hex).execute()

    core_redis.call(remove)


def append(events: Sequence[str]) -> None:
    """Puts events on the stream without a session being seen.

    Raises:
        RedisAwayError: Redis cannot be asked, or the stream is full.
    """

    def add(client: Client) -> None:
        if client.xlen(STREAM) >= STREAM_LIMIT:
            raise StreamFullError
        pipe = client.pipeline(transaction=True)
        for event in events:
            pipe.xadd(STREAM, {"e": event})
        pipe.execute()

    core_redis.call(add)


def encode(state: SessionState) -> dict[str, str | int]:
    """The hash of a state."""
    return {
        "visitor": state.visitor_id.hex,
        "started": f"{state.started_at.timestamp():.6f}",
        "seen": f"{state.last_seen_at.timestamp():.6f}",
        "consent": state.consent,
        "customer": state.customer_id.hex if state.customer_id else "",
        "script": state.script_page_views,
        "api": state.api_page_views,
        "order": state.order_id.hex if state.order_id else "",
        "converted": int(state.converted),
        "profile": encode_profile(state.profile),
    }


def encode_profile(profile: Profile) -> str:
    """The profile as a field of the hash."""
    return json.dumps({name: value for name, value in asdict(profile).items() if value})


def decode(session_id: UUID, text: dict[str, str]) -> SessionState:
    """The state of a hash."""
    return SessionState(
        session_id=session_id,
        visitor_id=UUID(text["visitor"]),
        started_at=datetime.fromtimestamp(float(text["started"]), UTC),
        last_seen_at=datetime.fromtimestamp(float(text["seen"]), UTC),
        consent=text["consent"],
        customer_id=UUID(text["customer"]) if text["customer"] else None,
        script_page_views=int(text["script"]),
        api_page_views=int(text["api"]),
        order_id=UUID(text["order"]) if text["order"] else None,
        converted=text["converted"] == "1",
        profile=decode_profile(text["profile"]),
    )


@lru_cache(maxsize=8192)
def decode_profile(text: str) -> Profile:
    """The profile of a field; the same text again is the same profile."""
    return Profile(**json.loads(text))


@cache
def touch_script() -> Any:
    """The script, registered with the client: EVALSHA, and EVAL when Redis has forgotten it."""
    return core_redis.client().register_script(TOUCH)

"""A visit while it lives, and its copy in Redis.

One hash a session, one sorted set of the active ones, one stream of events on their way to PostgreSQL. All keys carry
the same hash tag, so that one script may touch all three: a request of a known session is one atomic round trip.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from core import redis as core_redis
from core.limits import Allowance
from core.limits.windows import COUNTING
from core.redis import Client, RedisAwayError
from core.redis_scripts import Word, evaluate
from sessions_app.entries import Entry, words_of
from sessions_app.models import Consent

ACTIVE = "sessions:{visits}"
STREAM = "events:{visits}"
CRAWLERS = "crawlers:{visits}"
GUARD_KEY = "guard:{visits}"
LETTERS = 8 * 100
"""Kept of the ends of ids: as many as come at once, so that no batch counts twice."""


class StreamFullError(RedisAwayError):
    """The stream holds all it may; nothing was changed."""


class StaleError(Exception):
    """Redis was away meanwhile: what it held of the session is this, and what PostgreSQL holds goes before it."""

    def __init__(self, held: SessionState) -> None:
        super().__init__(held)
        self.held = held


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
    counted: str = ""
    """The page views of the script that were counted last, by the ends of their ids: sent again, one counts no more."""
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


# What Redis held while it was away from somebody is not believed: PostgreSQL may know better. Each hash says in which
# epoch it was written; a new one begins when a process finds Redis again, and when nobody has been heard for a while.
# Flushers ask every second, so in a shop that works that is an outage.
GUARD = """
local second = redis.call('TIME')[1]
local guard = redis.call('HMGET', KEYS[1], 'epoch', 'heard')
local epoch = guard[1] or '0'
if guard[2] ~= second then
    if guard[2] and second - guard[2] > 5 then epoch = tostring(redis.call('HINCRBY', KEYS[1], 'epoch', 1)) end
    redis.call('HSET', KEYS[1], 'heard', second)
end
"""
# KEYS: guard, session, active, stream, and for a request that is counted its counters and today's refusals.
# ARGV: now, ttl, longest, api views, ends of the ids of script views, stream limit, session id, for a counted request
# the words of its limits, then kind and text of each entry. Answers nil for an unknown session, "lapsed", "full",
# "refused", else the epoch ("stale" for an earlier one: nothing was changed) and the fields, a line each: that is read
# quicker than a list.
# A page asks for several things at once: the active set and the end of the hash are moved once a second.
# Of a counted request it answers this, and what was counted.
TOUCH = (
    GUARD
    + COUNTING
    + """
local limits = #KEYS - 5
local first = limits > 0 and 9 + 3 * limits or 8
local function touch()
local held = redis.call('HMGET', KEYS[2], 'epoch', 'visitor', 'started', 'seen', 'consent', 'customer', 'script', 'api',
    'order', 'converted', 'profile', 'counted')
if not held[2] then return false end
held[12] = held[12] or ''
if held[1] ~= epoch then
    held[1] = 'stale'
    return table.concat(held, '\\n')
end
local now = tonumber(ARGV[1])
if now - held[4] >= tonumber(ARGV[2]) or now - held[3] >= tonumber(ARGV[3]) then return 'lapsed' end
if #ARGV >= first and redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[6]) then return 'full' end
local later = math.floor(now) > math.floor(held[4])
local views = 0
for id in string.gmatch(ARGV[5], '........') do
    if not string.find(held[12], id, 1, true) then
        views, held[12] = views + 1, string.sub(held[12] .. id, -"""
    + str(LETTERS)
    + """)
    end
end
held[4], held[7], held[8] = ARGV[1], tostring(held[7] + views), tostring(held[8] + ARGV[4])
redis.call('HSET', KEYS[2], 'seen', held[4], 'script', held[7], 'api', held[8], 'counted', held[12])
if later then
    redis.call('EXPIRE', KEYS[2], ARGV[2])
    redis.call('ZADD', KEYS[3], ARGV[1], ARGV[7])
end
for i = first, #ARGV, 2 do redis.call('XADD', KEYS[4], '*', ARGV[i], ARGV[i + 1]) end
return table.concat(held, '\\n')
end
if limits < 1 then return touch() end
local told, refused = count(5, 8, limits)
return {refused and 'refused' or touch(), unpack(told)}
"""
)
# KEYS as above, and who arrived if it may be one who did a moment ago: then that one's session is answered, and nothing
# written. ARGV: ttl, session id, seen, stream limit, how many words of the hash, seconds for which who arrived is told
# again, those words, then the entries.
SAVE = (
    GUARD
    + """
local last = 6 + ARGV[5]
if KEYS[5] then
    local other = redis.call('GET', KEYS[5])
    if other then return other end
end
if #ARGV > last and redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[2], 'epoch', epoch, unpack(ARGV, 7, last))
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
if KEYS[5] then redis.call('SET', KEYS[5], ARGV[2], 'EX', ARGV[6]) end
for i = last + 1, #ARGV, 2 do redis.call('XADD', KEYS[4], '*', ARGV[i], ARGV[i + 1]) end
"""
)
FIELDS = (
    "visitor", "started", "seen", "consent", "customer", "script", "api", "order", "converted", "profile", "counted",
)  # fmt: skip


def key(session_id: UUID) -> str:
    """The hash of one session."""
    return f"session:{{visits}}:{session_id.hex}"


def keys(session_id: UUID) -> list[str]:
    """What the scripts touch."""
    return [GUARD_KEY, key(session_id), ACTIVE, STREAM]


def touch(
    session_id: UUID,
    *,
    now: datetime,
    api_views: int = 0,
    script_views: Sequence[UUID] = (),
    entries: Sequence[Entry] = (),
    allowance: Allowance | None = None,
) -> SessionState | None:
    """Notes that the session was seen, with its page views (those of the script by their ids) and events. One round
    trip, also for a request that is to be counted; None if unknown or lapsed.

    Raises:
        RateLimitedError: one request too many; nothing was changed.
        StaleError: what Redis has of it outlived an outage; nothing was changed.
        StreamFullError: there are events and no room for them.
        RedisAwayError: Redis cannot be asked.
    """
    words: list[Word] = [
        f"{now.timestamp():.6f}",
        settings.VISITOR_SESSION_TTL_SECONDS,
        settings.VISITOR_SESSION_MAX_SECONDS,
        api_views,
        ends(script_views),
        settings.EVENT_STREAM_LIMIT,
        session_id.hex,
        *(allowance.words if allowance else ()),
        *words_of(entries),
    ]
    names = keys(session_id) + (allowance.keys if allowance else [])
    answer = core_redis.call(lambda client: evaluate(client, TOUCH, names, words))
    if allowance:
        answer, *told = answer
        allowance.take(told)
    if answer == b"full":
        raise StreamFullError
    if answer is None or answer == b"lapsed":
        return None
    epoch, *fields = answer.decode().split("\n")
    found = decode(session_id, dict(zip(FIELDS, fields, strict=True)))
    if epoch == "stale":
        raise StaleError(found)
    return found


def ends(event_ids: Iterable[UUID]) -> str:
    """What tells page views of one visit from each other: the last 8 digits of each id."""
    return "".join([event_id.hex[-8:] for event_id in event_ids])


@dataclass(frozen=True)
class Arrived:
    """Who began a visit, as far as can be told, and for how many seconds that is remembered."""

    who: UUID
    seconds: int


def save(state: SessionState, *, entries: Sequence[Entry] = (), arrived: Arrived | None = None) -> UUID:
    """Writes the whole hash, as at the start of a session or when it is brought back from PostgreSQL.

    Returns the session's id; another's if who `arrived` began that one so shortly before. Nothing is written then.

    Raises:
        StreamFullError: there are entries and no room for them.
        RedisAwayError: Redis cannot be asked.
    """
    fields = [word for pair in encode(state).items() for word in pair]
    words: list[Word] = [
        settings.VISITOR_SESSION_TTL_SECONDS,
        state.session_id.hex,
        f"{state.last_seen_at.timestamp():.6f}",
        settings.EVENT_STREAM_LIMIT,
        len(fields),
        arrived.seconds if arrived else 0,
        *fields,
        *words_of(entries),
    ]
    names = keys(state.session_id) + ([f"arrived:{{visits}}:{arrived.who.hex}"] if arrived else [])
    answer: bytes | None = core_redis.call(lambda client: evaluate(client, SAVE, names, words))
    if answer == b"full":
        raise StreamFullError
    return UUID(answer.decode()) if answer else state.session_id


def begin_epoch(client: Client) -> None:
    """What is held of sessions now is to be compared with PostgreSQL before it is believed."""
    client.hincrby(GUARD_KEY, "epoch", 1)


core_redis.breaker.on_return.append(begin_epoch)


def keep_guard() -> None:
    """Says that Redis is there, for a shop without visitors.

    Raises:
        RedisAwayError: it is not.
    """
    core_redis.call(lambda client: evaluate(client, GUARD, [GUARD_KEY], []))


UPDATE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(ARGV)) end"


def update(session_id: UUID, **fields: str | int) -> None:
    """Changes fields of a hash that is there; an unknown session is left unknown.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    flat = [word for pair in fields.items() for word in pair]
    core_redis.call(lambda client: evaluate(client, UPDATE, [key(session_id)], flat))


def forget(session_id: UUID) -> None:
    """Removes a session that ended.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def remove(client: Client) -> None:
        client.pipeline(transaction=True).delete(key(session_id)).zrem(ACTIVE, session_id.hex).execute()

    core_redis.call(remove)


# KEYS: stream, and a session's hash if fields of it change. ARGV: stream limit, how many words of the hash, those
# words, then kind and text of each entry.
APPEND = """
local last = 2 + ARGV[2]
if last > 2 and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], unpack(ARGV, 3, last)) end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 'full' end
for i = last + 1, #ARGV, 2 do redis.call('XADD', KEYS[1], '*', ARGV[i], ARGV[i + 1]) end
"""


def append(entries: Sequence[Entry], *, session_id: UUID | None = None, **fields: str | int) -> None:
    """Puts entries on the stream without a session being seen; `fields` of one change with it, as `update` has it.

    Raises:
        RedisAwayError: Redis cannot be asked, or the stream is full: the fields have changed then.
    """
    flat = [word for pair in fields.items() for word in pair]
    words: list[Word] = [
        settings.EVENT_STREAM_LIMIT,
        len(flat),
        *flat,
        *words_of(entries),
    ]
    names = [STREAM, *([key(session_id)] if session_id else [])]
    if core_redis.call(lambda client: evaluate(client, APPEND, names, words)) == b"full":
        raise StreamFullError


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
        "counted": state.counted,
    }


def encode_profile(profile: Profile) -> str:
    """The profile as a field of the hash."""
    return json.dumps({name: value for name, value in asdict(profile).items() if value})


def decode(session_id: UUID, text: dict[str, str]) -> SessionState:
    """The state of a hash."""
    return SessionState(
        session_id=session_id,
        visitor_id=uuid_of(text["visitor"]),
        started_at=datetime.fromtimestamp(float(text["started"]), UTC),
        last_seen_at=datetime.fromtimestamp(float(text["seen"]), UTC),
        consent=text["consent"],
        customer_id=uuid_of(text["customer"]) if text["customer"] else None,
        script_page_views=int(text["script"]),
        api_page_views=int(text["api"]),
        order_id=uuid_of(text["order"]) if text["order"] else None,
        converted=text["converted"] == "1",
        profile=decode_profile(text["profile"]),
        counted=text["counted"],
    )


uuid_of = lru_cache(maxsize=8192)(UUID)
"""A visitor's id comes with each of the visitor's requests."""


@lru_cache(maxsize=8192)
def decode_profile(text: str) -> Profile:
    """The profile of a field; the same text again is the same profile."""
    return Profile(**json.loads(text))

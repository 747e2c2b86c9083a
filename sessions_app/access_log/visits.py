"""Page views become visits: cut at gaps and at the longest life, as for live visitors. Pure.

Ids follow from what was logged, under a key, so that the same line makes the same rows in every import. Like all
ids here they sort by time (UUIDv7), which keeps the indexes compact.
"""

from __future__ import annotations

import hmac
import uuid
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import blake2b, sha256
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings

from sessions_app.agents import Agent, parse
from sessions_app.models import Device

UNNAMED = Agent(Device.OTHER)
"""What is known of who gives no user agent because the log has no room for one. It may be a crawler."""


class Visitor(NamedTuple):
    """Who asked: address and user agent, known from here on by their keyed hash. Ids are 32 hexadecimal digits."""

    visitor_id: str
    address: str
    agent: Agent


class Hit(NamedTuple):
    """One page view of a person. `at` is in seconds since 1970, `line` the digest that equal lines share."""

    at: int
    event_id: str
    visitor: Visitor
    page: str
    query: str
    referrer: str
    line: bytes


@dataclass
class Visit:
    """A visit, new or stored already, with its new page views in order of time."""

    session_id: str
    started: int
    seen: int
    hits: list[Hit] = field(default_factory=list)

    @property
    def first(self) -> Hit:
        """The first of the new page views."""
        return self.hits[0]

    def take(self, hit: Hit) -> None:
        """Adds a page view, later than those before it, which may lie before, in or after what is stored."""
        at = hit.at
        if at < self.started:
            self.started = at
        if at > self.seen:
            self.seen = at
        self.hits.append(hit)


def cut(hits: Iterable[Hit], stored: Iterable[Visit]) -> list[Visit]:
    """Sorts the new page views of one visitor, in order of time, into that visitor's stored visits and new ones.

    A log in the order of time, imported in pieces or at once, gives the same visits. Two stored visits are never
    joined by a view that comes late: events are not moved once they are written.
    """
    life = _Life(settings.VISITOR_SESSION_TTL_SECONDS, settings.VISITOR_SESSION_MAX_SECONDS)
    visits = sorted(stored, key=attrgetter("started"))
    starts = [visit.started for visit in visits]
    for hit in hits:
        after = bisect_right(starts, hit.at)
        visit = life.visit_of(hit, visits, after)
        if visit is None:
            visit = Visit(timed_id(hit.at, f"visit {hit.visitor.visitor_id}".encode()), hit.at, hit.at)
            visits.insert(after, visit)
            starts.insert(after, hit.at)
        visit.take(hit)
        if after < len(visits) and visits[after] is visit:
            starts[after] = visit.started
    return [visit for visit in visits if visit.hits]


class _Life(NamedTuple):
    """How long a visit lasts, in seconds."""

    gap: int
    longest: int

    def visit_of(self, hit: Hit, visits: list[Visit], after: int) -> Visit | None:
        """The visit that was going on at the time of the hit, or else the one that it turns out to have begun."""
        if after:
            before = visits[after - 1]
            if hit.at - before.seen < self.gap and hit.at - before.started < self.longest:
                return before
        if after < len(visits):
            following = visits[after]
            if following.started - hit.at < self.gap and following.seen - hit.at < self.longest:
                return following
        return None


@lru_cache(maxsize=50_000)
def visitor_of(address: str, user_agent: str | None) -> Visitor:
    """The visitor behind an address and a user agent; behind the address alone where the log names no user agent."""
    who, agent = (address, UNNAMED) if user_agent is None else (f"{address}\n{user_agent}", parse(user_agent))
    digest = blake2b(who.encode(), key=_key(), digest_size=16).digest()
    return Visitor(uuid.UUID(bytes=digest, version=5).hex, address, agent)


def line_digest(line: bytes, occurrence: int = 0) -> bytes:
    """What identifies a line, or the `occurrence`th repetition of it."""
    return blake2b(b"%b\n%d" % (line, occurrence) if occurrence else line, key=_key(), digest_size=9).digest()


def timed_id(at: int, content: bytes) -> str:
    """A UUIDv7 of that second whose other bits follow from the content."""
    return timed_hex(at, blake2b(content, key=_key(), digest_size=9).digest())


def timed_hex(at: int, digest: bytes) -> str:
    """A UUIDv7 of that second with 72 bits of a digest."""
    bits = digest.hex()
    return f"{at * 1000:012x}7{bits[:3]}8{bits[3:]}"


@cache
def _key() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"footfall.sessions_app.access_log", sha256)

"""Everything that is known about one visit, in the order of time: from PostgreSQL, from Redis, and from the stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings

from core import redis as core_redis
from core.redis import Client, RedisAwayError
from sessions_app import dead_letters, entries, ingest, live_stats, state
from sessions_app.dead_letters import Letter
from sessions_app.entries import Entry, Kind
from sessions_app.events import OLDEST
from sessions_app.models import ConsentRecord, DeadLetter, SessionEvent, VisitorSession
from sessions_app.state import Profile, SessionState
from sessions_app.tokens import unsign

SCANNED_ENTRIES = 20_000
SCAN_STEP = 2_000
LETTERS = 100
SAME_MOMENT = timedelta(milliseconds=1)
"""The live copy keeps times as decimals, which PostgreSQL rounds otherwise."""


@dataclass(frozen=True)
class Moment:
    """Something that happened in the visit: an event, or a milestone (that it began, was paid...).

    `stored` is false for what is on its way to PostgreSQL still.
    """

    at: datetime
    what: str
    source: str = ""
    page: str = ""
    product_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    stored: bool = True
    milestone: bool = False


@dataclass(frozen=True)
class Difference:
    """A fact that the stored row and the live copy see differently."""

    name: str
    stored: object
    live: object


@dataclass(frozen=True)
class Account:
    """One visit. `row` is None before its first flush, `live` when Redis has no copy, or is away."""

    session_id: UUID
    row: VisitorSession | None
    live: SessionState | None
    redis_away: bool
    stream_scanned: bool
    differences: list[Difference]
    moments: list[Moment]
    events_total: int
    letters: list[Letter]
    ending: str


@dataclass(frozen=True)
class OnStream:
    """What the stream holds of a visit; `complete` unless the stream is longer than may be looked through."""

    entries: list[Entry] = field(default_factory=list)
    complete: bool = True


def session_id_of(text: str) -> UUID | None:
    """The id in what somebody pasted: a UUID with or without dashes, or the cookie's signed value. None for others."""
    text = text.strip().strip('"')
    try:
        return UUID(text)
    except ValueError:
        return unsign(text, purpose="session")


def account(session_id: UUID, *, events: int, now: datetime, passed: int = 0) -> Account | None:
    """All about the visit, with its newest `events` events but for `passed` ones; None if nobody knows it.

    Raises:
        OperationalError: PostgreSQL cannot be asked. (Without Redis the account is poorer, and says so.)
    """
    row = VisitorSession.objects.filter(pk=session_id).first()
    try:
        live, waiting, away = live_stats.read_session(session_id), on_stream(session_id), False
    except RedisAwayError:
        live, waiting, away = None, OnStream(complete=False), True
    letters = letters_of(session_id)
    if row is None and live is None and not waiting.entries and not letters:
        return None
    stored = events_of(row, limit=events, passed=passed) if row else []
    return Account(
        session_id=session_id,
        row=row,
        live=live,
        redis_away=away,
        stream_scanned=waiting.complete,
        differences=differences(row, live) if row and live else [],
        moments=in_order([*milestones(row), *moments_of(stored), *arriving(waiting, stored)]),
        events_total=row.events_count if row else 0,
        letters=letters,
        ending=ending(row, live, now=now),
    )


# The pieces ---------------------------------------------------------------------------------------------------------


def events_of(row: VisitorSession, *, limit: int, passed: int = 0) -> list[SessionEvent]:
    """The newest stored events, so many passed over. The lower bound in time spares the partitions before the visit."""
    events = SessionEvent.objects.filter(session_id=row.pk, timestamp__gte=row.started_at - OLDEST)
    return list(events.order_by("-timestamp", "-event_id")[passed : passed + limit])


def in_order(moments: Sequence[Moment]) -> list[Moment]:
    """By time. A page is looked at a moment before its visit is opened: that comes after the beginning all the same."""
    begun = min((one.at for one in moments if one.milestone), default=datetime.min.replace(tzinfo=UTC))
    return sorted(moments, key=lambda one: (max(one.at, begun), not one.milestone, one.at))


def moments_of(events: Iterable[SessionEvent]) -> list[Moment]:
    """Stored events as moments."""
    return [
        Moment(
            at=event.timestamp,
            what=event.event_type,
            source=event.source,
            page=event.page,
            product_id=str(event.product_id or ""),
            details=event.metadata,
        )
        for event in events
    ]


def milestones(row: VisitorSession | None) -> list[Moment]:
    """What the row and the proofs of consent tell apart from events."""
    if row is None:
        return []
    found = [milestone(row.started_at, "visit began", landing_page=row.landing_page)]
    found += [arrival(touch, stored=True, otherwise=row.started_at) for touch in row.touches]
    found += [
        milestone(record.created_at, f"consent {record.choice}", policy=record.policy_version)
        for record in ConsentRecord.objects.filter(session_id=row.pk).order_by("id")
    ]
    if row.converted_at:
        found.append(milestone(row.converted_at, "order paid", order=str(row.order_id or "")))
    if row.ended_at:
        found.append(milestone(row.ended_at, "visit ended"))
    return found


def milestone(at: datetime, what: str, *, stored: bool = True, **facts: str) -> Moment:
    """A moment that is no event, with the facts that are there."""
    details = {name: fact for name, fact in facts.items() if fact}
    return Moment(at, what, details=details, stored=stored, milestone=True)


def arrival(touch: dict[str, Any], *, stored: bool, otherwise: datetime) -> Moment:
    """A touch as a moment; one whose time cannot be read happened at `otherwise`."""
    details = {name: value for name, value in touch.items() if name != "at"}
    try:
        at = datetime.fromisoformat(touch["at"])
    except (KeyError, TypeError, ValueError):
        at = otherwise
    return Moment(at, "arrival", details=details, stored=stored, milestone=True)


def letters_of(session_id: UUID) -> list[Letter]:
    """Dead letters of the visit."""
    rows = DeadLetter.objects.filter(entry__session_id__in=[session_id.hex, str(session_id)])
    return [dead_letters.letter_of(row) for row in rows.order_by("id")[:LETTERS]]


# On the stream ------------------------------------------------------------------------------------------------------


def on_stream(session_id: UUID) -> OnStream:
    """The visit's entries among the newest `SCANNED_ENTRIES` of the stream, the oldest first.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    found: list[Entry] = []
    end, scanned = "+", 0
    while scanned < SCANNED_ENTRIES:
        step = core_redis.call(partial(newest_entries, end=end))
        found += [entry for _entry_id, entry in ingest.read(step) if belongs(entry, session_id)]
        if len(step) < SCAN_STEP:
            return OnStream(found[::-1])
        end, scanned = f"({step[-1][0].decode()}", scanned + len(step)
    return OnStream(found[::-1], complete=False)


def newest_entries(client: Client, *, end: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Messages of the stream from `end` backwards."""
    step: list[tuple[bytes, dict[bytes, bytes]]] = client.xrevrange(state.STREAM, max=end, count=SCAN_STEP)
    return step


def belongs(entry: Entry, session_id: UUID) -> bool:
    """Whether an entry is the session's. Most are not, and need not be decoded to know."""
    if session_id.hex.encode() not in entry.text:
        return False
    try:
        return entries.session_id_of(entry.fields) == session_id
    except ValueError:  # no JSON: the flush will bury it
        return False


def arriving(waiting: OnStream, stored: Iterable[SessionEvent]) -> list[Moment]:
    """Entries that are not stored yet, as moments. What is stored and only not acknowledged yet is left out."""
    known = {event.event_id.hex for event in stored}
    found = [coming(entry) for entry in waiting.entries if entry.fields.get("event_id") not in known]
    return [moment for moment in found if moment is not None]


def coming(entry: Entry) -> Moment | None:
    """An entry as a moment; None for one that cannot be read."""
    fields = entry.fields
    try:
        match entry.kind:
            case Kind.SESSION:
                return milestone(datetime.fromisoformat(fields["started_at"]), "visit began", stored=False)
            case Kind.ARRIVAL:
                touch = fields["arrival"]
                return arrival(touch, stored=False, otherwise=datetime.fromisoformat(touch["at"]))
        return Moment(
            at=datetime.fromisoformat(fields["timestamp"]),
            what=fields["event_type"],
            source=fields["source"],
            page=fields["page"],
            product_id=fields["product_id"] or "",
            details=fields["metadata"],
            stored=False,
        )
    except (KeyError, TypeError, ValueError):
        return None


# Row and live copy --------------------------------------------------------------------------------------------------

COMPARED = (
    "visitor_id", "customer_id", "consent", "script_page_views", "api_page_views", "order_id", "converted",
    "last_seen_at",
)  # fmt: skip


def differences(row: VisitorSession, live: SessionState) -> list[Difference]:
    """Where the row and the live copy differ. Page views and the last sight do until the next flush."""
    pairs = [(name, getattr(row, name), getattr(live, name)) for name in COMPARED]
    pairs += [(name, getattr(row, name), getattr(live.profile, name)) for name in Profile.__dataclass_fields__]
    return [Difference(name, ours, theirs) for name, ours, theirs in pairs if not same(ours, theirs)]


def same(one: object, other: object) -> bool:
    """Whether two facts are one."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) < SAME_MOMENT
    return one == other


def ending(row: VisitorSession | None, live: SessionState | None, *, now: datetime) -> str:
    """How the visit ended, as far as that is written down."""
    if row is not None and row.erased_at is not None:
        return "erased: it only counts"
    if row is not None and row.ended_at is not None:
        return how_it_ended(row, row.ended_at, now=now)
    seen = max(one.last_seen_at for one in (row, live) if one) if row or live else None
    if seen is None:
        return "not known: neither stored nor live"
    idle = settings.VISITOR_SESSION_TTL_SECONDS
    if (now - seen).total_seconds() < idle:
        return "goes on"
    return f"lapsed {idle // 60} minutes after it was last seen; the next close_lapsed_sessions writes that down"


def how_it_ended(row: VisitorSession, ended_at: datetime, *, now: datetime) -> str:
    """A lapse is written down only when its time has passed: what ended sooner was ended by somebody."""
    if (ended_at - row.started_at).total_seconds() >= settings.VISITOR_SESSION_MAX_SECONDS:
        return "ended: the longest time of a visit was over"
    if (now - ended_at).total_seconds() < settings.VISITOR_SESSION_TTL_SECONDS:
        return "ended by the visitor: cleared, or another customer logged in"
    return "ended: lapsed, or by the visitor (that is not written down)"


def unstored(moments: Sequence[Moment]) -> int:
    """How many of the moments are not stored yet."""
    return sum(not moment.stored for moment in moments)

"""A visit while it lives: begun, seen, and found again. Redis first; PostgreSQL when Redis is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.conf import settings

from core.limits import Allowance
from core.redis import RedisAwayError
from sessions_app import state, storing
from sessions_app.entries import Entry
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import VisitorSession
from sessions_app.services.arrivals import Arrival, daily_id, may_identify, session_entry
from sessions_app.state import Arrived, Profile, SessionState, StaleError, StreamFullError

JOINING_SECONDS = 3
"""What a browser asks at once comes within that."""


def open_session(
    session: SessionState, *, events: Sequence[Event], now: datetime, arrived: Arrived | None = None
) -> SessionState:
    """Starts a new visit with its first events. Written straight to PostgreSQL when Redis is away.

    A browser that comes for the first time asks for several things at once, before it has a cookie. If who `arrived`
    began a visit a moment ago, the events are that visit's, and it is answered.
    """
    counted = count_views(replace(session, last_seen_at=now), events)
    entries = [session_entry(session), *(event_entry(event, session.session_id) for event in events)]
    try:
        opened = state.save(counted, entries=entries, arrived=arrived)
    except RedisAwayError:
        storing.store_each(entries)
        return counted
    if opened == session.session_id:
        return counted
    return see(opened, events=events, now=now) or open_session(session, events=events, now=now)


def arrived_now(arrival: Arrival, *, ended: UUID | None, now: datetime) -> Arrived:
    """Who arrives: with the token of a visit that `ended`, which nobody else has, or with events that are `sent` again
    and again, else address and browser, for a moment.
    """
    if known_by := ended or arrival.sent:
        return Arrived(known_by, settings.VISITOR_SESSION_TTL_SECONDS)
    known = arrival.visitor_id if may_identify(arrival.consent) else None
    return Arrived(known or daily_id(arrival, now=now), JOINING_SECONDS)


def see(
    session_id: UUID, *, events: Sequence[Event] = (), now: datetime, allowance: Allowance | None = None
) -> SessionState | None:
    """Notes a request of a session, with its events; None if there is no such visit any more.

    One round trip when Redis knows the session. A session that Redis lost is brought back from PostgreSQL.

    Raises:
        RateLimitedError: the `allowance` has not been asked before, and this is one request too many.
    """
    uncounted = allowance if allowance and not allowance.asked else None
    entries = [event_entry(event, session_id) for event in events]
    try:
        return see_in_redis(session_id, events=events, entries=entries, now=now, allowance=uncounted)
    except StreamFullError:
        return see_past_stream(session_id, events=events, entries=entries, now=now)
    except RedisAwayError:
        return see_in_database(session_id, entries=entries, now=now)


def see_in_redis(
    session_id: UUID,
    *,
    events: Sequence[Event],
    entries: Sequence[Entry],
    now: datetime,
    allowance: Allowance | None = None,
) -> SessionState | None:
    """The same while Redis is there; `entries` are what is put on the stream of `events`.

    Raises:
        RateLimitedError: as above.
        StreamFullError, RedisAwayError: nothing was put on the stream.
    """
    views = [event for event in events if event.is_page_view]
    api = [event for event in views if event.source == Source.API]
    script = [event.event_id for event in views if event.source == Source.SCRIPT]
    held = None
    try:
        found = state.touch(
            session_id, now=now, api_views=len(api), script_views=script, entries=entries, allowance=allowance
        )
        if found is not None:
            return found
    except StaleError as stale:
        held = stale.held
    return bring_back(session_id, held=held, events=events, entries=entries, now=now)


def see_past_stream(
    session_id: UUID, *, events: Sequence[Event], entries: Sequence[Entry], now: datetime
) -> SessionState | None:
    """The stream is full: what happened is stored at once, and counted in Redis after that."""
    found = see(session_id, now=now)
    if found is None:
        return None
    ensure_stored(found)  # its beginning may still wait in the stream
    storing.store_each(entries)
    try:
        return see_in_redis(session_id, events=events, entries=(), now=now)
    except RedisAwayError:
        return count_views(found, events)


def bring_back(
    session_id: UUID,
    *,
    events: Sequence[Event],
    entries: Sequence[Entry],
    now: datetime,
    held: SessionState | None = None,
) -> SessionState | None:
    """Puts a live session into Redis that does not have it, or whose copy (`held`) outlived an outage."""
    row = VisitorSession.objects.filter(pk=session_id).first()
    found = united(held, state_of(row) if row and row.ended_at is None else None) if row else held
    if found is None or not found.alive(now):
        return None
    counted = count_views(replace(found, last_seen_at=now), events)
    state.save(counted, entries=entries)
    return counted


def see_in_database(session_id: UUID, *, entries: Sequence[Entry], now: datetime) -> SessionState | None:
    """The same without Redis: events are stored at once."""
    if load(session_id, now=now) is None:
        return None
    storing.store_each(entries)
    VisitorSession.objects.filter(pk=session_id, last_seen_at__lt=now).update(last_seen_at=now)
    return load(session_id, now=now)


def before_erasing(events: Sequence[Event], session_ids: Sequence[UUID]) -> list[Event]:
    """Which of these a page sent late: from before one of the visits that it shows was erased."""
    if not (events and session_ids):
        return []
    erased = VisitorSession.objects.erased().filter(pk__in=session_ids).order_by().values_list("erased_at", flat=True)
    return [event for erased_at in erased for event in events if erased_at and event.timestamp <= erased_at]


def load(session_id: UUID, *, now: datetime) -> SessionState | None:
    """The state of a session that lives, from PostgreSQL."""
    row = VisitorSession.objects.filter(pk=session_id, ended_at=None).first()
    found = state_of(row) if row else None
    return found if found and found.alive(now) else None


def united(held: SessionState | None, stored: SessionState | None) -> SessionState | None:
    """What PostgreSQL says, with views that are still on their way to it. A session that ended there has ended."""
    if held is None or stored is None:
        return stored
    return replace(
        stored,
        script_page_views=max(held.script_page_views, stored.script_page_views),
        api_page_views=max(held.api_page_views, stored.api_page_views),
        last_seen_at=max(held.last_seen_at, stored.last_seen_at),
        counted=held.counted,
    )


def state_of(row: VisitorSession) -> SessionState:
    """The state that a row tells."""
    return SessionState(
        session_id=row.session_id,
        visitor_id=row.visitor_id,
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        consent=row.consent,
        customer_id=row.customer_id,
        script_page_views=row.script_page_views,
        api_page_views=row.api_page_views,
        order_id=row.order_id,
        converted=row.converted,
        profile=Profile(**{name: getattr(row, name) for name in Profile.__dataclass_fields__}),
    )


def count_views(session: SessionState, events: Sequence[Event]) -> SessionState:
    """The state of a visit that is written whole, with the events' page views added. One that was sent again counts
    once.
    """
    views = [event for event in events if event.is_page_view]
    sent = dict.fromkeys(event.event_id for event in views if event.source == Source.SCRIPT)
    script = [event_id for event_id in sent if state.ends([event_id]) not in session.counted]
    return replace(
        session,
        api_page_views=session.api_page_views + len([event for event in views if event.source == Source.API]),
        script_page_views=session.script_page_views + len(script),
        counted=(session.counted + state.ends(script))[-state.LETTERS :],
    )


def ensure_stored(session: SessionState) -> None:
    """Makes sure that the session has its row, for a foreign key: the flush may be a second behind."""
    storing.store([session_entry(session)])

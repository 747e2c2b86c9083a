"""What else happens in a visit: a further arrival, the server's own events, an order."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from core.clock import now as clock_now
from core.net import printable
from core.redis import RedisAwayError
from sessions_app import state, storing
from sessions_app.entries import Entry, Kind
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import Channel, VisitorSession
from sessions_app.services.arrivals import Arrival, source_of
from sessions_app.services.living import ensure_stored
from sessions_app.state import SessionState

log = logging.getLogger(__name__)


def note_arrival(session: SessionState, *, arrival: Arrival, first: bool, now: datetime) -> None:
    """A referrer or UTM parameters that the script reported: the source of a visit whose first request (an API
    call) could not show it, else a further touch of the visit. Never a new session.
    """
    source = source_of(arrival)
    if source["channel"] == Channel.DIRECT or (first and is_known(source, session)):
        return
    fills = first and session.profile.channel == Channel.DIRECT
    if fills and arrival.landing_page:
        source["landing_page"] = printable(arrival.landing_page)[:2048]
    at = session.started_at if fills else now
    touch = {"at": at.isoformat()} | {name: value for name, value in source.items() if value}
    entry = Entry.of(Kind.ARRIVAL, {"arrival": touch, "fills": fills, "session_id": session.session_id.hex})
    live = {"profile": state.encode_profile(replace(session.profile, **source))} if fills else {}
    try:
        state.append([entry], session_id=session.session_id, **live)
    except RedisAwayError:
        ensure_stored(session)
        storing.store_each([entry])


def is_known(source: dict[str, str], session: SessionState) -> bool:
    """Whether the visit was begun by the same: a page asks the API for something before its script has spoken."""
    return all(getattr(session.profile, name) == value for name, value in source.items())


def record(
    session_id: UUID,
    event_type: str,
    *,
    product_id: UUID | None = None,
    now: datetime | None = None,
    **live: str | int,
) -> None:
    """Writes one of the server's own events once the transaction has committed, and brings these fields of the live
    copy up to date; when Redis is away, PostgreSQL has the change already.
    """
    event = Event(event_type=event_type, source=Source.SERVER, timestamp=now or clock_now(), product_id=product_id)
    entry = event_entry(event, session_id)

    def send() -> None:
        try:
            state.append([entry], session_id=session_id, **live)
        except RedisAwayError:
            storing.store_each([entry])

    transaction.on_commit(send)


def mark_ordered(*, session_id: UUID, order_id: UUID) -> None:
    """The visit placed an order. Runs in the placing transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sessions_app_visitorsession SET order_id = %s WHERE session_id = %s AND erased_at IS NULL",
            [order_id, session_id],
        )
    record(session_id, "order_placed", order=order_id.hex)


def mark_converted(*, session_id: UUID, order_id: UUID, now: datetime) -> None:
    """The visit's order was paid. Runs in the settling transaction; twice is harmless."""
    VisitorSession.objects.filter(pk=session_id, converted=False).update(
        converted=True, converted_at=now, order_id=order_id
    )
    record(session_id, "order_completed", now=now, order=order_id.hex, converted=1)


def update_live(session_id: UUID, **fields: str | int) -> None:
    """Brings the live copy up to date; when Redis is away, PostgreSQL has the change already."""
    try:
        state.update(session_id, **fields)
    except RedisAwayError:
        log.warning("the live copy of session %s could not be updated", session_id)

"""What it costs to bring events from the stream to PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.shop import BROWSER
from benchmarks.storefront_requests import empty_stream
from core.clock import now
from core.garbage import keep_what_is_loaded
from core.ids import new_id
from sessions_app import ingest, services, state
from sessions_app.entries import Entry, Kind
from sessions_app.events import Event, Source, event_entry
from sessions_app.models import SessionEvent, VisitorSession
from sessions_app.months import ensure_months
from sessions_app.services import Arrival

T = TypeVar("T")
AT_ONCE = 400
"""Visits that go on at the same time: of a batch of 500 events nearly each is of another visit."""
GROUPS = 10
COPIED = 500
EVENTS_OF_A_VISIT = ("page_view", "page_view", "product_view", "add_to_cart", "page_view")
EVENTS = AT_ONCE * GROUPS * len(EVENTS_OF_A_VISIT)
COLUMNS = 'event_id, session_id, visitor_id, event_type, source, page, product_id, metadata, "timestamp"'


def flush() -> Measurement:
    """20,000 events of 4,000 new visits from the stream to their tables with all totals, events/s, one process; against
    COPY of the same event rows into the same table, in batches of 500.
    """
    ensure_months([now(), now() + timedelta(days=1)])
    flushed()  # warms both up
    keep_what_is_loaded()  # as a worker does
    return alternate(flushed, copied, unit="events/s")


def flushed() -> Sample:
    """A round of the flusher.

    Raises:
        NotDoneError: rows or totals are missing.
    """
    empty_stream()
    before = SessionEvent.objects.count()
    for entries in batches(list(busy_minute(now())), of=ingest.BATCH):
        state.append(entries)
    begun, spent = time.perf_counter(), time.process_time()
    stored = ingest.flush(consumer="bench", batches=1000)
    seconds, processor = time.perf_counter() - begun, time.process_time() - spent
    require(stored == EVENTS + AT_ONCE * GROUPS, f"{stored} entries were taken")
    require(SessionEvent.objects.count() - before == EVENTS, "events are missing")
    newest = VisitorSession.objects.order_by("-started_at").first()
    require(newest is not None and newest.events_count == len(EVENTS_OF_A_VISIT), "totals are missing")
    return Sample(EVENTS / seconds, {"flusher CPU ms per 1,000 events": 1e6 * processor / EVENTS})


def busy_minute(at: datetime) -> Iterator[Entry]:
    """Entries as requests leave them: visits begin, then each in turn does the next thing."""
    for _group in range(GROUPS):
        visits = [services.begin(arrival=Arrival(user_agent=BROWSER, landing_page="/"), now=at) for _ in range(AT_ONCE)]
        yield from (services.session_entry(visit) for visit in visits)
        for kind in EVENTS_OF_A_VISIT:
            yield from (event_entry(page_event(kind, at), visit.session_id) for visit in visits)


def page_event(kind: str, at: datetime) -> Event:
    """An event as `tracker.js` sends it."""
    return Event(kind, Source.SCRIPT, at, page="/shop/products/kettle-0", metadata={"title": "Kettle No. 0"})


def copied() -> Sample:
    """The floor: rows made beforehand, COPY and COMMIT of 500 at a time."""
    events = [entry.fields for entry in busy_minute(now()) if entry.kind == Kind.EVENT]
    rows = [row_of(fields) for fields in events]
    begun = time.perf_counter()
    for batch in batches(rows, of=COPIED):
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY sessions_app_sessionevent ({COLUMNS}) FROM STDIN") as copy,
        ):
            for row in batch:
                copy.write_row(row)
    return Sample(EVENTS / (time.perf_counter() - begun))


def batches(items: Sequence[T], *, of: int) -> list[Sequence[T]]:
    """Cut into so many at a time."""
    return [items[start : start + of] for start in range(0, len(items), of)]


def row_of(fields: dict[str, Any]) -> tuple[Any, ...]:
    """An event entry as a row."""
    return (
        UUID(fields["event_id"]),
        UUID(fields["session_id"]),
        new_id(),
        fields["event_type"],
        fields["source"],
        fields["page"],
        fields["product_id"],
        json.dumps(fields["metadata"]),
        datetime.fromisoformat(fields["timestamp"]),
    )

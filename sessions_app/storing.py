"""What visits send as rows in PostgreSQL: each once, and what cannot be stored as a dead letter.

A batch that comes twice changes nothing twice: totals are computed from the rows that were really inserted.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, JSONField, Value
from django.utils.dateparse import parse_datetime

from core.clock import now, shop_day
from core.net import printable
from sessions_app import late_days
from sessions_app.entries import Entry, Kind, session_id_of
from sessions_app.models import DeadLetter, VisitorSession
from sessions_app.months import ensure_months

log = logging.getLogger(__name__)
POISON = (
    DataError, IntegrityError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError,
    ValidationError, FieldError, FieldDoesNotExist,
)  # fmt: skip
"""What storing an entry raises that is poisonous, whatever its shape. PostgreSQL being away is none of these."""
Given = dict[str, str | datetime]
"""What a statement asks for."""

SESSION_COLUMNS = (
    "session_id uuid, visitor_id uuid, customer_id uuid, consent text, ip_prefix text, user_agent text, device text, "
    "browser text, os text, country text, city text, landing_page text, referrer text, referrer_host text, "
    "utm_source text, utm_medium text, utm_campaign text, utm_term text, utm_content text, channel text, "
    "touches jsonb, started_at timestamptz"
)
SESSION_NAMES = ", ".join(column.split()[0] for column in SESSION_COLUMNS.split(", "))
COUNTERS = (
    "events_count", "script_page_views", "api_page_views", "script_product_views", "api_product_views",
    "cart_additions", "checkouts_started", "other_events",
)  # fmt: skip
COUNTED = ", ".join(COUNTERS)

SESSION_ID = re.compile(r'"session_id": "([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})"')
"""Where the text of an entry says its session, as `Entry.of` writes it. One that it finds in metadata is locked
besides, for this moment.
"""

# Sessions are locked in order before anything is written, and in a statement of its own: the next one sees what was
# stored by those whom this one waited for.
HOLD_SESSIONS = """
SELECT FROM sessions_app_visitorsession WHERE session_id = ANY(%(sessions)s::uuid[])
ORDER BY session_id FOR NO KEY UPDATE
"""

ADD_TOTALS = f"""
    {", ".join(f"{name} = visit.{name} + {{0}}.{name}" for name in COUNTERS)},
    engagement_seconds = LEAST(visit.engagement_seconds + {{0}}.engagement_seconds, 86400),
    unconfirmed = visit.unconfirmed AND {{0}}.unconfirmed,
    last_seen_at = CASE WHEN visit.ended_at IS NULL THEN GREATEST(visit.last_seen_at, {{0}}.last_seen_at)
                        ELSE visit.last_seen_at END
"""
"""What is added to a `visit` when events of it are inserted. {0} has their totals, named as the columns they go to."""

# With NOT EXISTS PostgreSQL would expect a single one, and go through all totals for each that it finds.
BEGUN = f"""
    SELECT DISTINCT ON (session_id) *
    FROM jsonb_to_recordset(%(sessions)s::jsonb) AS new ({SESSION_COLUMNS}, last_seen_at timestamptz)
    WHERE (SELECT true FROM sessions_app_visitorsession AS visit WHERE visit.session_id = new.session_id) IS NOT TRUE
    ORDER BY session_id
"""  # noqa: S608 - the columns above
"""The visits that begin: those given that are not there."""

OPENED = f"""
    INSERT INTO sessions_app_visitorsession AS visit ({SESSION_NAMES}, {COUNTED}, engagement_seconds, unconfirmed,
        last_seen_at, type, is_bot, converted)
    SELECT {SESSION_NAMES}, {", ".join(f"coalesce({name}, 0)" for name in COUNTERS)},
        LEAST(coalesce(engagement_seconds, 0), 86400), coalesce(unconfirmed, true),
        GREATEST(begun.last_seen_at, totals.last_seen_at),
        CASE WHEN customer_id IS NULL THEN 'anonymous' ELSE 'customer' END, false, false
    FROM begun LEFT JOIN totals USING (session_id)
    ORDER BY session_id
    ON CONFLICT (session_id)
"""  # noqa: S608 - the names above
"""Inserts them with their totals. What if somebody else stores one of them at this moment, follows."""

NO_TOTALS = f"""
    SELECT NULL::uuid AS session_id, {", ".join(f"0 AS {name}" for name in COUNTERS)}, 0 AS engagement_seconds,
        true AS unconfirmed, NULL::timestamptz AS last_seen_at
    WHERE false
"""

# Visits without events: a fraction of what the other takes, for which checkouts wait. They would wait for each other if
# it held a visit that somebody else has stored.
STORE_SESSIONS = f"""
WITH begun AS MATERIALIZED ({BEGUN}),
totals AS ({NO_TOTALS}),
opened AS ({OPENED} DO NOTHING)
INSERT INTO sessions_app_lateday (day)
SELECT DISTINCT (started_at AT TIME ZONE %(zone)s)::date FROM begun WHERE started_at < %(counted_before)s
"""  # noqa: S608 - the names above

# Answers the sessions of events that are not there. A visit begins with the totals of its first events. An event that
# comes again without a time of its own has another one: within a day, its id alone tells. What comes late of a visit
# that was erased is forgotten. Both note the days before yesterday that they change: nobody would compute these again
# (`sessions_app.late_days`).
STORE = f"""
WITH begun AS MATERIALIZED ({BEGUN}),
given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(events)s::jsonb) AS e (event_id uuid, session_id uuid, event_type text,
        source text, page text, product_id uuid, metadata jsonb, "timestamp" timestamptz)
),
held AS MATERIALIZED (
    SELECT session_id, visitor_id, started_at, erased_at IS NOT NULL AS erased FROM sessions_app_visitorsession
    WHERE session_id IN (SELECT session_id FROM given)
    UNION ALL
    SELECT session_id, visitor_id, started_at, false FROM begun
),
stored AS MATERIALIZED (
    SELECT event_id FROM sessions_app_sessionevent WHERE event_id = ANY(ARRAY(SELECT event_id FROM given))
    AND "timestamp" >= (SELECT min("timestamp") - interval '1 day' FROM given)
    AND "timestamp" <= (SELECT max("timestamp") + interval '1 day' FROM given)
),
inserted AS (
    INSERT INTO sessions_app_sessionevent
        (event_id, session_id, visitor_id, event_type, source, page, product_id, metadata, "timestamp")
    SELECT DISTINCT ON (event_id)
        event_id, session_id, visitor_id, event_type, source, page, product_id, metadata, "timestamp"
    FROM given JOIN held USING (session_id)
    WHERE NOT erased AND event_id NOT IN (SELECT event_id FROM stored)
    ON CONFLICT (event_id, "timestamp") DO NOTHING
    RETURNING session_id, event_type, source, metadata, "timestamp"
),
totals AS (
    SELECT session_id, count(*) AS events_count, max("timestamp") AS last_seen_at,
        count(*) FILTER (WHERE event_type = 'page_view' AND source <> 'api') AS script_page_views,
        count(*) FILTER (WHERE event_type = 'page_view' AND source = 'api') AS api_page_views,
        count(*) FILTER (WHERE event_type = 'product_view' AND source <> 'api') AS script_product_views,
        count(*) FILTER (WHERE event_type = 'product_view' AND source = 'api') AS api_product_views,
        count(*) FILTER (WHERE event_type = 'add_to_cart') AS cart_additions,
        count(*) FILTER (WHERE event_type = 'checkout_started') AS checkouts_started,
        count(*) FILTER (WHERE event_type NOT IN ('page_view', 'product_view', 'engagement')) AS other_events,
        sum(CASE WHEN event_type = 'engagement' AND metadata ->> 'seconds' ~ '^[0-9]{{1,5}}$'
            THEN (metadata ->> 'seconds')::int ELSE 0 END) AS engagement_seconds,
        bool_and(source = 'api') AS unconfirmed
    FROM inserted GROUP BY session_id
),
counted AS (
    UPDATE sessions_app_visitorsession AS visit SET {ADD_TOTALS.format("totals")}
    FROM totals WHERE visit.session_id = totals.session_id
),
opened AS ({OPENED} DO UPDATE SET {ADD_TOTALS.format("excluded")}),
late AS (
    INSERT INTO sessions_app_lateday (day)
    SELECT DISTINCT (at AT TIME ZONE %(zone)s)::date
    FROM (SELECT "timestamp" FROM inserted
          UNION ALL SELECT started_at FROM held JOIN totals USING (session_id)
          UNION ALL SELECT started_at FROM begun) AS changed (at)
    WHERE at < %(counted_before)s
)
SELECT DISTINCT session_id FROM given WHERE session_id IS NULL OR session_id NOT IN (SELECT session_id FROM held)
"""  # noqa: S608 - the names above


def store(entries: Sequence[Entry]) -> None:
    """Writes sessions and events, in one transaction. An event of an unknown session becomes a dead letter.

    Raises:
        DataError, IntegrityError: one of the entries is poisonous; nothing was written. See `store_each`.
    """
    instant = now()
    ensure_months([instant])
    counted_before = late_days.counted_before(instant)
    late: Given = {"zone": settings.SHOP_TIME_ZONE, "counted_before": counted_before}
    sessions = json_array(entry for entry in entries if entry.kind == Kind.SESSION)
    events = [entry for entry in entries if entry.kind == Kind.EVENT]
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if events:
            store_events(cursor, events, {"sessions": sessions, **late})
        elif sessions != "[]":
            cursor.execute(STORE_SESSIONS, {"sessions": sessions, **late})
        for entry in entries:
            if entry.kind == Kind.ARRIVAL:
                store_arrival(cursor, entry, counted_before)


def store_events(cursor: CursorWrapper, events: Sequence[Entry], parameters: Given) -> None:
    """Inserts the sessions and events that are not there yet, and adds events to their sessions' totals."""
    given = json_array(events)
    cursor.execute(HOLD_SESSIONS, {"sessions": f"{{{','.join(SESSION_ID.findall(given))}}}"})
    cursor.execute(STORE, {"events": given, **parameters})
    unknown = {session_id for (session_id,) in cursor.fetchall()}
    if unknown:
        bury([event for event in events if session_id_of(event.fields) in unknown], "the session is unknown")


def json_array(entries: Iterable[Entry]) -> str:
    """One JSON text of many: PostgreSQL takes them apart, nobody else has to. What is no UTF-8 makes it no JSON."""
    return f"[{readable(b','.join([entry.text for entry in entries]))}]"


def store_arrival(cursor: CursorWrapper, entry: Entry, counted_before: datetime) -> None:
    """Adds a touch to a visit, once; or says where the visit came from when its first request could not. That is then
    its first touch, and others stay.
    """
    session_id, touch = entry.fields["session_id"], entry.fields["arrival"]
    if entry.fields["fills"]:
        source = {name: value for name, value in touch.items() if name != "at"}
        first = Func(F("touches"), Value("{0}"), Value(touch, JSONField()), function="jsonb_set")
        visit = VisitorSession.objects.not_erased().filter(pk=session_id)
        if visit.update(touches=first, **source) and datetime.fromisoformat(touch["at"]) < counted_before:
            late_days.note([shop_day(datetime.fromisoformat(touch["at"]))])
        return
    cursor.execute(
        "UPDATE sessions_app_visitorsession SET touches = touches || %(touch)s::jsonb "
        "WHERE session_id = %(session)s AND erased_at IS NULL AND NOT touches @> %(touch)s::jsonb",
        {"touch": json.dumps([touch]), "session": session_id},
    )


def store_each(entries: Sequence[Entry]) -> None:
    """Writes what can be written: a batch with one poisonous entry loses only that one, to the dead letters."""
    try:
        store(entries)
    except (*POISON, OperationalError) as error:
        if isinstance(error, OperationalError) and not is_beyond_limits(error):
            raise
        if isinstance(error, IntegrityError) and make_months(entries):
            store_each(entries)
            return
        if len(entries) == 1:
            log.error("an entry could not be stored, it is a dead letter now: %s", type(error).__name__)
            bury(entries, str(error) or type(error).__name__)
            return
        middle = len(entries) // 2
        store_each(entries[:middle])
        store_each(entries[middle:])


def is_beyond_limits(error: OperationalError) -> bool:
    """Whether PostgreSQL was asked and cannot take it (class 54), as with what is nested far too deep."""
    return str(getattr(error.__cause__, "sqlstate", None)).startswith("54")


def make_months(entries: Sequence[Entry]) -> int:
    """Sees to it that there are partitions for events of these times; returns how many were missing."""
    return ensure_months(filter(None, map(time_of, entries)))


def time_of(entry: Entry) -> datetime | None:
    """When an event happened; None for what says none that can be."""
    try:
        found = parse_datetime(entry.fields["timestamp"])
        return found and found.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def bury(entries: Sequence[Entry], error: str) -> None:
    """Keeps what could not be stored, with the reason; nothing of a visit that was erased."""
    found = [(fields_of(entry), entry) for entry in entries]
    visits = VisitorSession.objects.filter(pk__in={id_ for fields, _entry in found if (id_ := session_id_of(fields))})
    erased = set(visits.erased().values_list("pk", flat=True))
    kept = [(fields, entry) for fields, entry in found if session_id_of(fields) not in erased]
    error = printable(error)[:2000]
    try:
        with transaction.atomic():
            DeadLetter.objects.bulk_create([DeadLetter(entry=fields, error=error) for fields, _entry in kept])
    except (DataError, ValueError):
        DeadLetter.objects.bulk_create([DeadLetter(entry=raw(entry), error=error) for _fields, entry in kept])


def fields_of(entry: Entry) -> Any:
    """What an entry says; its text if that is no JSON, or null."""
    try:
        found = entry.fields
    except (ValueError, RecursionError):
        return raw(entry)
    return raw(entry) if found is None else found


def raw(entry: Entry) -> str:
    """The text of an entry as PostgreSQL can keep it."""
    return readable(entry.text).replace("\0", "\\0")


def readable(text: bytes) -> str:
    """The same as a string, with escapes for what is no UTF-8."""
    return text.decode(errors="backslashreplace")

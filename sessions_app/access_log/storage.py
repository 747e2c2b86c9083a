"""A batch of page views to PostgreSQL: COPY into temporary tables, then one statement, in one transaction.

Nothing is remembered between batches but which visits the log touched, so an import that was killed goes on by
being run again. Imports take turns, batch by batch, so two at once do not get in each other's way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from operator import attrgetter

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from sessions_app.access_log.lines import clean
from sessions_app.access_log.visits import Hit, Visit, cut
from sessions_app.channel_rules import current_rules
from sessions_app.channels import Rules, Utm, classify, referrer_host
from sessions_app.geo import locate
from sessions_app.months import ensure_months

ONE_IMPORT_AT_A_TIME = 4_700_151
"""Number of the advisory lock, this module's own."""

OF_FIRST_REQUEST = ", ".join(
    (
        "landing_page", "referrer", "referrer_host", "channel",
        "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    )
)  # fmt: skip
OF_VISITOR = "visitor_id, device, browser, os, country, city"

TABLES = f"""
CREATE TEMP TABLE import_seen (session_id uuid PRIMARY KEY, visitor_id uuid NOT NULL);
CREATE TEMP TABLE import_event (event_id uuid, session_id uuid, visitor_id uuid, page text, at bigint);
CREATE TEMP TABLE import_visit AS
    SELECT session_id, {OF_VISITOR}, {OF_FIRST_REQUEST} FROM sessions_app_visitorsession WITH NO DATA
"""  # noqa: S608 - the names above
DROP = "DROP TABLE IF EXISTS import_seen, import_event, import_visit"

# The visits of these visitors that a view of this batch could belong to.
VISITS_NEAR = """
SELECT visitor_id, session_id,
    extract(epoch FROM started_at)::bigint, extract(epoch FROM last_seen_at)::bigint
FROM sessions_app_visitorsession
WHERE visitor_id = ANY(%s::uuid[]) AND last_seen_at >= to_timestamp(%s) AND started_at <= to_timestamp(%s)
"""

# Totals come from the rows that were really inserted. Nothing checks an event's session: events may go first.
STORE = f"""
WITH added AS (
    INSERT INTO sessions_app_sessionevent
        (event_id, session_id, visitor_id, event_type, source, page, metadata, "timestamp")
    SELECT event_id, session_id, visitor_id, 'page_view', 'import', page, '{{}}', to_timestamp(at)
    FROM import_event
    ON CONFLICT (event_id, "timestamp") DO NOTHING
    RETURNING session_id, "timestamp"
),
totals AS (
    SELECT session_id, count(*) AS views, min("timestamp") AS first, max("timestamp") AS last
    FROM added GROUP BY session_id
),
visits AS (
    INSERT INTO sessions_app_visitorsession AS visit (session_id, {OF_VISITOR}, {OF_FIRST_REQUEST},
        started_at, last_seen_at, ended_at, api_page_views, events_count,
        type, consent, ip_prefix, user_agent, touches, is_bot, unconfirmed, converted, script_page_views,
        script_product_views, api_product_views, cart_additions, checkouts_started, other_events)
    SELECT session_id, {OF_VISITOR}, {OF_FIRST_REQUEST}, first, last, last, views, views,
        'anonymous', 'unknown', '', '', '[]', false, false, false, 0, 0, 0, 0, 0, 0
    FROM import_visit JOIN totals USING (session_id) ORDER BY session_id
    ON CONFLICT (session_id) DO UPDATE SET
        api_page_views = visit.api_page_views + EXCLUDED.api_page_views,
        events_count = visit.events_count + EXCLUDED.events_count,
        started_at = LEAST(visit.started_at, EXCLUDED.started_at),
        last_seen_at = GREATEST(visit.last_seen_at, EXCLUDED.last_seen_at),
        ended_at = GREATEST(visit.last_seen_at, EXCLUDED.last_seen_at),
        ({OF_FIRST_REQUEST}) = (SELECT {
    ", ".join(
        f"CASE WHEN EXCLUDED.started_at < visit.started_at THEN EXCLUDED.{name} ELSE visit.{name} END"
        for name in OF_FIRST_REQUEST.split(", ")
    )
})
)
SELECT coalesce(sum(views), 0) FROM totals
"""  # noqa: S608 - the names above

CRAWLERS = """
INSERT INTO sessions_app_crawlerday AS stored (day, source, page_views)
SELECT day, 'import', views FROM unnest(%s::date[], %s::int[]) AS given (day, views)
ON CONFLICT (day, source) DO UPDATE SET page_views = GREATEST(stored.page_views, EXCLUDED.page_views)
"""

# Of all visits of the log's visitors: one that began before the log may have grown, and the visitors of a later one
# may be new no more.
DAYS = """
SELECT DISTINCT (started_at AT TIME ZONE %s)::date
FROM sessions_app_visitorsession JOIN (SELECT DISTINCT visitor_id FROM import_seen) AS seen USING (visitor_id)
"""


@contextmanager
def temporary_tables() -> Iterator[None]:
    """The tables of one import, on this connection. What an import that failed left is removed by the next."""
    with connection.cursor() as cursor:
        cursor.execute(DROP)
        cursor.execute(TABLES)
    yield
    with connection.cursor() as cursor:
        cursor.execute(DROP)


def store(hits: Sequence[Hit], *, own_host: str) -> tuple[int, int]:
    """Writes page views, in order of time, and their visits. What is stored already is left alone.

    Returns how many page views and how many visits were new.
    """
    rules = current_rules()  # asked before COPY has the connection
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_IMPORT_AT_A_TIME])
        cursor.execute("TRUNCATE import_event, import_visit")
        ensure_months(datetime.fromtimestamp(at, UTC) for at in {hit.at // 86_400 * 86_400 for hit in hits})
        known = _stored_already(cursor, hits)
        visits, fresh = _visits(cursor, [hit for hit in hits if hit.event_id not in known])
        with cursor.copy("COPY import_event FROM STDIN") as copy:
            for visit in visits:
                for hit in visit.hits:
                    copy.write_row((hit.event_id, visit.session_id, hit.visitor.visitor_id, hit.page, hit.at))
        with cursor.copy("COPY import_visit FROM STDIN") as copy:
            for visit in visits:
                copy.write_row((visit.session_id, *_profile(visit, own_host, rules)))
        cursor.execute(STORE)
        added = int(cursor.fetchone()[0])
        _remember(cursor, visits, hits, known)
    return added, fresh


def _stored_already(cursor: CursorWrapper, hits: Sequence[Hit]) -> dict[str, str]:
    """The session of each event that is there from an earlier import."""
    cursor.execute(
        "SELECT event_id, session_id FROM sessions_app_sessionevent WHERE event_id = ANY(%s::uuid[]) "
        'AND "timestamp" BETWEEN to_timestamp(%s) AND to_timestamp(%s)',
        [[hit.event_id for hit in hits], hits[0].at, hits[-1].at],
    )
    return {event_id.hex: session_id.hex for event_id, session_id in cursor.fetchall()}


def _visits(cursor: CursorWrapper, hits: Sequence[Hit]) -> tuple[list[Visit], int]:
    """The visits that these new page views make or extend, and how many of them are new."""
    if not hits:
        return [], 0
    by_visitor: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_visitor[hit.visitor.visitor_id].append(hit)
    gap = settings.VISITOR_SESSION_TTL_SECONDS
    cursor.execute(VISITS_NEAR, [list(by_visitor), hits[0].at - gap, hits[-1].at + gap])
    stored: dict[str, list[Visit]] = defaultdict(list)
    for visitor_id, session_id, started, seen in cursor.fetchall():
        stored[visitor_id.hex].append(Visit(session_id.hex, started, seen))
    there = {visit.session_id for visits in stored.values() for visit in visits}
    visits = [visit for visitor_id, own in by_visitor.items() for visit in cut(own, stored.get(visitor_id, ()))]
    visits.sort(key=attrgetter("session_id"))
    return visits, sum(visit.session_id not in there for visit in visits)


def _profile(visit: Visit, own_host: str, rules: Rules) -> tuple[str, ...]:
    """Values of `OF_VISITOR` and `OF_FIRST_REQUEST`."""
    first = visit.first
    assert first is not None  # noqa: S101 - `cut` answers only visits with something new
    visitor_id, address, agent = first.visitor
    place, utm = locate(address), Utm.from_query(first.query)
    referrer = "" if first.referrer == "-" else clean(first.referrer)
    host = referrer_host(referrer)
    channel = classify(referrer_host=host, own_host=own_host, utm=utm, rules=rules)
    of_visitor = (visitor_id, agent.device.value, agent.browser, agent.os, place.country, place.city)
    of_arrival = (first.page, referrer, host, channel.value)
    return (*of_visitor, *of_arrival, utm.source, utm.medium, utm.campaign, utm.term, utm.content)


def _remember(cursor: CursorWrapper, visits: Sequence[Visit], hits: Sequence[Hit], known: Mapping[str, str]) -> None:
    """Notes the visits that the log's lines belong to, new or not: they are counted at the end."""
    seen = {visit.session_id: visit.hits[0].visitor.visitor_id for visit in visits}
    seen |= {known[hit.event_id]: hit.visitor.visitor_id for hit in hits if hit.event_id in known}
    cursor.execute(
        "INSERT INTO import_seen SELECT * FROM unnest(%s::uuid[], %s::uuid[]) ON CONFLICT DO NOTHING",
        [list(seen), list(seen.values())],
    )


def count_seen() -> tuple[int, int]:
    """How many visits, of how many visitors, the page views stored so far belong to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT visitor_id) FROM import_seen")
        visits, visitors = cursor.fetchone()
    return visits, visitors


def store_crawlers(page_views: Mapping[date, int]) -> None:
    """Notes the crawlers' page views of each day: the figure of the log that has most of them.

    A crawler leaves nothing by which a line could be known again, so the figures of two logs are never added up.
    """
    with connection.cursor() as cursor:
        cursor.execute(CRAWLERS, [list(page_views), list(page_views.values())])


def days_of_visits() -> set[date]:
    """The shop's days on which visits of the log's visitors began."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS, [settings.SHOP_TIME_ZONE])
        return {day for (day,) in cursor.fetchall()}


def hits_in_order(hits: Iterable[Hit]) -> list[Hit]:
    """By time; those of one second as they stand in the log."""
    return sorted(hits, key=attrgetter("at"))

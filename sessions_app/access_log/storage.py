"""A batch of page views to PostgreSQL, in one transaction: COPY of the events, then one statement for their visits.

A line that is stored already is known by its id, so that an import can always be run again. Imports take turns, batch
by batch, so two at once do not get in each other's way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache, lru_cache, partial
from operator import attrgetter

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from core.postgresql.sessions import own_session
from sessions_app.access_log.days import Touched, day_of
from sessions_app.access_log.lines import clean
from sessions_app.access_log.visits import Hit, Visit, cut
from sessions_app.channel_rules import current_rules
from sessions_app.channels import Rules, Utm, classify, referrer_host
from sessions_app.geo import locate
from sessions_app.months import ensure_months
from sessions_app.own_hosts import is_own

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
CREATE TEMP TABLE import_seen (session_id uuid NOT NULL, visitor_id uuid NOT NULL);
CREATE TEMP TABLE import_visit AS
    SELECT session_id, {OF_VISITOR}, {OF_FIRST_REQUEST}, api_page_views AS views, 0::bigint AS first, 0::bigint AS last
    FROM sessions_app_visitorsession WITH NO DATA
"""  # noqa: S608 - the names above
DROP = "DROP TABLE IF EXISTS import_seen, import_visit"

# The visits of these visitors that a view of this batch could belong to.
VISITS_NEAR = """
SELECT visitor_id, session_id,
    extract(epoch FROM started_at)::bigint, extract(epoch FROM last_seen_at)::bigint
FROM sessions_app_visitorsession
WHERE visitor_id = ANY(%s::uuid[]) AND last_seen_at >= to_timestamp(%s) AND started_at <= to_timestamp(%s)
"""

STORE_EVENTS = """
COPY sessions_app_sessionevent
    (event_id, session_id, visitor_id, event_type, source, page, metadata, "timestamp") FROM STDIN
"""

STORE_VISITS = f"""
INSERT INTO sessions_app_visitorsession AS visit (session_id, {OF_VISITOR}, {OF_FIRST_REQUEST},
    started_at, last_seen_at, ended_at, api_page_views, events_count,
    type, consent, ip_prefix, user_agent, touches, is_bot, unconfirmed, converted, script_page_views,
    script_product_views, api_product_views, cart_additions, checkouts_started, other_events)
SELECT session_id, {OF_VISITOR}, {OF_FIRST_REQUEST},
    to_timestamp(first), to_timestamp(last), to_timestamp(last), views, views,
    'anonymous', 'unknown', '', '', '[]', false, false, false, 0, 0, 0, 0, 0, 0
FROM import_visit ORDER BY session_id
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
"""  # noqa: S608 - the names above

REMEMBER = """
INSERT INTO import_seen
SELECT session_id, visitor_id FROM import_visit UNION ALL SELECT * FROM unnest(%s::uuid[], %s::uuid[])
"""

CRAWLERS = """
INSERT INTO sessions_app_crawlerday AS stored (day, source, page_views)
SELECT day, 'import', views FROM unnest(%s::date[], %s::int[]) AS given (day, views)
ON CONFLICT (day, source) DO UPDATE SET page_views = EXCLUDED.page_views WHERE stored.page_views < EXCLUDED.page_views
RETURNING day
"""

# Visitors whose visit began before others that are stored are new on the days of those no more.
DAYS_AFTER = """
SELECT DISTINCT (started_at AT TIME ZONE %s)::date
FROM sessions_app_visitorsession JOIN (SELECT DISTINCT visitor_id FROM import_visit) AS new USING (visitor_id)
WHERE started_at > to_timestamp(%s)
"""

Row = tuple[str | int, ...]
"""Of `import_visit`."""


@contextmanager
def temporary_tables() -> Iterator[None]:
    """The tables of one import, in its session. What an import that failed left is removed by the next."""
    with own_session():
        with connection.cursor() as cursor:
            cursor.execute(DROP)
            cursor.execute(TABLES)
        yield
        with connection.cursor() as cursor:
            cursor.execute(DROP)


def store(hits: Sequence[Hit], *, own_host: str, touched: Touched) -> tuple[int, int]:
    """Writes page views, in order of time, and their visits, and tells the days that change. What is stored already is
    left alone; of two with one id, of a line that stands in two logs, one is stored.

    Returns how many page views and how many visits were new.
    """
    # Many arrive from the same places. The rules are asked for before COPY has the connection.
    row_of = partial(_row, arrival=cache(partial(_arrival, own_host=own_host, rules=current_rules())))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_IMPORT_AT_A_TIME])
        cursor.execute("TRUNCATE import_visit")
        ensure_months(datetime.fromtimestamp(at, UTC) for at in {hit.at // 86_400 * 86_400 for hit in hits})
        known = _stored_already(cursor, hits)
        new = list({hit.event_id: hit for hit in hits if hit.event_id not in known}.values())
        stored = _visits_near(cursor, new)
        changed = _days_near(new, stored)
        rows = _store_events(cursor, new, stored, row_of)
        with cursor.copy("COPY import_visit FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(STORE_VISITS)
        if new:
            touched(changed | _days_after(cursor, new[0].at))
        _remember(cursor, hits, known)
    there = {visit.session_id for visits in stored.values() for visit in visits}
    return len(new), sum(row[0] not in there for row in rows)


def _stored_already(cursor: CursorWrapper, hits: Sequence[Hit]) -> dict[str, str]:
    """The session of each event that is there from an earlier import."""
    cursor.execute(
        "SELECT event_id, session_id FROM sessions_app_sessionevent WHERE event_id = ANY(%s::uuid[]) "
        'AND "timestamp" BETWEEN to_timestamp(%s) AND to_timestamp(%s)',
        [_array(hit.event_id for hit in hits), hits[0].at, hits[-1].at],
    )
    return {event_id.hex: session_id.hex for event_id, session_id in cursor.fetchall()}


def _visits_near(cursor: CursorWrapper, hits: Sequence[Hit]) -> Mapping[str, Sequence[Visit]]:
    """The stored visits, by visitor, that these new page views could belong to."""
    if not hits:
        return {}
    gap = settings.VISITOR_SESSION_TTL_SECONDS
    visitors = {hit.visitor.visitor_id for hit in hits}
    cursor.execute(VISITS_NEAR, [_array(visitors), hits[0].at - gap, hits[-1].at + gap])
    stored = defaultdict(list)
    for visitor_id, session_id, started, seen in cursor.fetchall():
        stored[visitor_id.hex].append(Visit(session_id.hex, started, seen))
    return stored


def _days_near(hits: Iterable[Hit], stored: Mapping[str, Iterable[Visit]]) -> set[date]:
    """The days of new page views, and those on which visits began that they extend or bring forward."""
    begun = {visit.started // 900 for visits in stored.values() for visit in visits}
    return set(map(day_of, begun | {hit.at // 900 for hit in hits}))


def _days_after(cursor: CursorWrapper, at: int) -> set[date]:
    cursor.execute(DAYS_AFTER, [settings.SHOP_TIME_ZONE, at])
    return {day for (day,) in cursor.fetchall()}


def _store_events(
    cursor: CursorWrapper, hits: Iterable[Hit], stored: Mapping[str, Sequence[Visit]], row_of: Callable[[Visit], Row]
) -> list[Row]:
    """Writes new page views; returns the rows of the visits that they make or extend.

    The visits are cut, and their rows made, while PostgreSQL stores the events of those before.
    """
    by_visitor = defaultdict(list)
    for hit in hits:
        by_visitor[hit.visitor.visitor_id].append(hit)
    rows = []
    with cursor.copy(STORE_EVENTS) as copy:
        for visitor_id, own in by_visitor.items():
            for visit in cut(own, stored.get(visitor_id, ())):
                for hit in visit.hits:
                    copy.write_row(
                        (
                            hit.event_id,
                            visit.session_id,
                            visitor_id,
                            "page_view",
                            "import",
                            hit.page,
                            "{}",
                            _time(hit.at),
                        )
                    )
                rows.append(row_of(visit))
    return rows


def _time(at: int) -> str:
    """The time as PostgreSQL reads it: the driver takes longer for a datetime than for all else in an event."""
    return f"{_hour(at // 3600)}:{at // 60 % 60:02}:{at % 60:02}+00"


@lru_cache(maxsize=1024)
def _hour(hour: int) -> str:
    return f"{datetime.fromtimestamp(3600 * hour, UTC):%Y-%m-%d %H}"


def _row(visit: Visit, arrival: Callable[[str, str], tuple[str, ...]]) -> Row:
    """Who the visitor is, how the first of the new page views came about, and the totals of the new."""
    first = visit.first
    visitor_id, address, agent = first.visitor
    place = locate(address)
    of_visitor = (visitor_id, agent.device.value, agent.browser, agent.os, place.country, place.city)
    of_first = (first.page, *arrival(first.referrer, first.query))
    return (visit.session_id, *of_visitor, *of_first, len(visit.hits), first.at, visit.hits[-1].at)


def _arrival(referrer: str, query: str, *, own_host: str, rules: Rules) -> tuple[str, ...]:
    """Values of `OF_FIRST_REQUEST` but the page."""
    utm = Utm.from_query(query)
    referrer = "" if referrer == "-" else clean(referrer)
    host = referrer_host(referrer)
    if is_own(host, own_host):
        referrer = host = ""
    channel = classify(referrer_host=host, utm=utm, rules=rules)
    return (referrer, host, channel.value, utm.source, utm.medium, utm.campaign, utm.term, utm.content)


def _array(ids: Iterable[str]) -> str:
    """PostgreSQL's spelling of a list of ids, which it is given in one piece: the driver spells one after the other."""
    return f"{{{','.join(ids)}}}"


def _remember(cursor: CursorWrapper, hits: Sequence[Hit], known: Mapping[str, str]) -> None:
    """Notes the visits that the log's lines belong to, new or not: they are counted at the end."""
    seen = {known[hit.event_id]: hit.visitor.visitor_id for hit in hits if hit.event_id in known}
    cursor.execute(REMEMBER, [_array(seen), _array(seen.values())])


def count_seen() -> tuple[int, int]:
    """How many visits, of how many visitors, the page views stored so far belong to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT session_id), count(DISTINCT visitor_id) FROM import_seen")
        visits, visitors = cursor.fetchone()
    return visits, visitors


@transaction.atomic
def store_crawlers(page_views: Mapping[date, int], *, touched: Touched) -> None:
    """Notes the crawlers' page views of each day: the figure of the log that has most of them.

    A crawler leaves nothing by which a line could be known again, so the figures of two imports are never added up.
    """
    with connection.cursor() as cursor:
        cursor.execute(CRAWLERS, [list(page_views), list(page_views.values())])
        if changed := {day for (day,) in cursor.fetchall()}:
            touched(changed)


def hits_in_order(hits: Iterable[Hit]) -> list[Hit]:
    """By time; those of one second as they stand in the log."""
    return sorted(hits, key=attrgetter("at"))

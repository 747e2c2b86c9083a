"""Every change of a visit. Redis first; PostgreSQL when Redis is away."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from core.clock import now as clock_now
from core.ids import new_id
from core.net import printable
from core.redis import RedisAwayError
from sessions_app import ingest, state
from sessions_app.agents import parse
from sessions_app.channel_rules import current_rules
from sessions_app.channels import Utm, classify, referrer_host
from sessions_app.entries import Entry, Kind
from sessions_app.events import OLDEST, Event, Source, event_entry
from sessions_app.geo import ip_prefix, locate
from sessions_app.models import Channel, Consent, ConsentRecord, Device, SessionEvent, VisitorSession
from sessions_app.salts import daily_visitor_id
from sessions_app.state import Arrived, Profile, SessionState, StaleError, StreamFullError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """What the first request of a visit shows."""

    ip: str = ""
    user_agent: str = ""
    own_host: str = ""
    landing_page: str = ""
    referrer: str = ""
    utm: Utm = field(default_factory=Utm)
    visitor_id: UUID | None = None
    consent: str = Consent.UNKNOWN


def may_identify(consent: str) -> bool:
    """Whether a visitor with this choice may be recognised for longer than a day (`CONSENT_MODE`)."""
    match settings.CONSENT_MODE:
        case "cookieless":
            return False
        case "opt_out":
            return consent != Consent.DENIED
        case _:
            return consent == Consent.GRANTED


def begin(*, arrival: Arrival, now: datetime, visitor_id: UUID | None = None) -> SessionState:
    """The state of a new visit; nothing is written yet. Without consent it holds no address, agent or city."""
    identified = may_identify(arrival.consent)
    visitor = visitor_id or (arrival.visitor_id if identified else None)
    if visitor is None:
        visitor = new_id() if identified else daily_id(arrival, now=now)
    return SessionState(
        session_id=new_id(),
        visitor_id=visitor,
        started_at=now,
        last_seen_at=now,
        consent=arrival.consent,
        profile=profile_of(arrival, identified=identified),
    )


def daily_id(arrival: Arrival, *, now: datetime) -> UUID:
    """Who this is for the rest of the day."""
    return daily_visitor_id(ip=arrival.ip, user_agent=arrival.user_agent, day=now.astimezone(UTC).date())


def profile_of(arrival: Arrival, *, identified: bool) -> Profile:
    """What the request tells about the visitor, as far as consent allows."""
    agent = parse(arrival.user_agent)
    place = locate(arrival.ip)
    source = Profile(
        device=Device.OTHER if agent.is_bot else agent.device,  # an app that has the name of a tool
        browser=agent.browser[:64],
        os=agent.os[:64],
        country=place.country,
        landing_page=printable(arrival.landing_page)[:2048],
        **source_of(arrival),
    )
    if not identified:
        return source
    return replace(
        source, city=place.city, ip_prefix=ip_prefix(arrival.ip), user_agent=printable(arrival.user_agent)[:512]
    )


def source_of(arrival: Arrival) -> dict[str, str]:
    """Where the visitor came from: referrer, UTM parameters and the channel that follows from them."""
    host = referrer_host(arrival.referrer)
    own = host if host in map(referrer_host, settings.CORS_ALLOWED_ORIGINS) else arrival.own_host
    foreign = bool(host) and host != own
    fields = {f"utm_{name}": value[:255] for name, value in asdict(arrival.utm).items()}
    return fields | {
        "referrer": printable(arrival.referrer)[:2048] if foreign else "",
        "referrer_host": host[:255] if foreign else "",
        "channel": classify(referrer_host=host, own_host=own, utm=arrival.utm, rules=current_rules()),
    }


def session_entry(session: SessionState) -> Entry:
    """The first row of a session as it travels through the stream."""
    profile = asdict(session.profile)
    touch = {"at": session.started_at.isoformat()} | {name: profile[name] for name in TOUCH_FIELDS if profile[name]}
    fields = profile | {
        "session_id": session.session_id.hex,
        "visitor_id": session.visitor_id.hex,
        "customer_id": session.customer_id.hex if session.customer_id else None,
        "consent": session.consent,
        "started_at": session.started_at.isoformat(),
        "last_seen_at": session.last_seen_at.isoformat(),
        "touches": [touch],
    }
    return Entry.of(Kind.SESSION, fields)


TOUCH_FIELDS = (
    "channel", "referrer", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "landing_page",
)  # fmt: skip


NO_SOURCE = dict.fromkeys(TOUCH_FIELDS, "") | {"channel": "direct"}
"""Of a visit that came from the visit before."""


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
        ingest.store_each(entries)
        return counted
    if opened == session.session_id:
        return counted
    return see(opened, events=events, now=now) or open_session(session, events=events, now=now)


def arrived_now(arrival: Arrival, *, ended: UUID | None, now: datetime) -> Arrived:
    """Who arrives: with the token of a visit that `ended`, which nobody else has, else address and browser, for a
    moment.
    """
    if ended is not None:
        return Arrived(ended, settings.VISITOR_SESSION_TTL_SECONDS)
    known = arrival.visitor_id if may_identify(arrival.consent) else None
    return Arrived(known or daily_id(arrival, now=now), JOINING_SECONDS)


def see(session_id: UUID, *, events: Sequence[Event] = (), now: datetime) -> SessionState | None:
    """Notes a request of a session, with its events; None if there is no such visit any more.

    One round trip when Redis knows the session. A session that Redis lost is brought back from PostgreSQL.
    """
    entries = [event_entry(event, session_id) for event in events]
    api = sum(event.is_page_view and event.source == Source.API for event in events)
    script = sum(event.is_page_view and event.source == Source.SCRIPT for event in events)
    try:
        found = state.touch(session_id, now=now, api_views=api, script_views=script, entries=entries)
        return found or bring_back(session_id, events=events, entries=entries, now=now)
    except StaleError as stale:
        return bring_back(session_id, held=stale.held, events=events, entries=entries, now=now)
    except StreamFullError:
        found = state.touch(session_id, now=now)
        if found is None:
            return None
        ensure_stored(found)  # its beginning may still wait in the stream
        ingest.store_each(entries)
        return state.touch(session_id, now=now, api_views=api, script_views=script)
    except RedisAwayError:
        return see_in_database(session_id, entries=entries, now=now)


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
    ingest.store_each(entries)
    VisitorSession.objects.filter(pk=session_id, last_seen_at__lt=now).update(last_seen_at=now)
    return load(session_id, now=now)


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
    """The state with the events' page views added."""
    views = [event.source for event in events if event.is_page_view]
    api = views.count(Source.API)
    return replace(
        session,
        api_page_views=session.api_page_views + api,
        script_page_views=session.script_page_views + len(views) - api,
    )


def ensure_stored(session: SessionState) -> None:
    """Makes sure that the session has its row, for a foreign key: the flush may be a second behind."""
    ingest.store([session_entry(session)])


def note_arrival(session: SessionState, *, arrival: Arrival, first: bool, now: datetime) -> None:
    """A referrer or UTM parameters that the script reported: the source of a visit whose first request (an API
    call) could not show it, else a further touch of the visit. Never a new session.
    """
    source = source_of(arrival)
    if source["channel"] == Channel.DIRECT:
        return
    fills = first and session.profile.channel == Channel.DIRECT
    if fills and arrival.landing_page:
        source["landing_page"] = printable(arrival.landing_page)[:2048]
    at = session.started_at if fills else now
    touch = {"at": at.isoformat()} | {name: value for name, value in source.items() if value}
    entry = Entry.of(Kind.ARRIVAL, {"arrival": touch, "fills": fills, "session_id": session.session_id.hex})
    try:
        if fills:
            profile = replace(session.profile, **source)
            state.update(session.session_id, profile=state.encode_profile(profile))
        state.append([entry])
    except RedisAwayError:
        ensure_stored(session)
        ingest.store_each([entry])


def record(session_id: UUID, event_type: str, *, product_id: UUID | None = None, now: datetime | None = None) -> None:
    """Writes one of the server's own events once the transaction has committed."""
    event = Event(event_type=event_type, source=Source.SERVER, timestamp=now or clock_now(), product_id=product_id)
    entry = event_entry(event, session_id)

    def send() -> None:
        try:
            state.append([entry])
        except RedisAwayError:
            ingest.store_each([entry])

    transaction.on_commit(send)


def clear(session: SessionState, *, now: datetime) -> None:
    """Ends the visit. Its history stays."""
    ensure_stored(session)
    VisitorSession.objects.filter(pk=session.session_id, ended_at=None).update(ended_at=now, last_seen_at=now)
    try:
        state.forget(session.session_id)
    except RedisAwayError:
        log.warning("session %s was cleared while Redis was away", session.session_id)


def log_in(session: SessionState, *, customer_id: UUID, now: datetime) -> SessionState:
    """The visitor logged in: the visit becomes the customer's. At the login of another customer it ends, and a new one
    of the same browser begins; that is then answered. The same customer again changes nothing.
    """
    if session.customer_id == customer_id:
        return session
    if session.customer_id is not None:
        clear(session, now=now)
        fresh = replace(
            session, session_id=new_id(), customer_id=None, started_at=now, last_seen_at=now, script_page_views=0,
            api_page_views=0, order_id=None, converted=False, profile=replace(session.profile, **NO_SOURCE),
        )  # fmt: skip
        session = open_session(fresh, events=[], now=now)
    return become(session, customer_id=customer_id, now=now)


@transaction.atomic
def become(session: SessionState, *, customer_id: UUID, now: datetime) -> SessionState:
    """Ties an anonymous visit to a customer."""
    ensure_stored(session)
    VisitorSession.objects.filter(pk=session.session_id).update(
        customer_id=customer_id, type=VisitorSession.Type.CUSTOMER, unconfirmed=False
    )
    record(session.session_id, "customer_login", now=now)
    transaction.on_commit(lambda: update_live(session.session_id, customer=customer_id.hex))
    return replace(session, customer_id=customer_id)


def log_out(session: SessionState, *, now: datetime) -> None:
    """The customer logged out. The visit ends, so that whoever sits there next sees nothing of it."""
    clear(session, now=now)


@transaction.atomic
def choose_consent(session: SessionState, *, granted: bool, arrival: Arrival, now: datetime) -> SessionState:
    """Records the visitor's choice and brings the visit in line: consent adds what it allows, refusal removes."""
    choice = Consent.GRANTED if granted else Consent.DENIED
    identified = may_identify(choice)
    place = locate(arrival.ip) if identified else None
    visitor = session.visitor_id
    if identified != may_identify(session.consent):
        visitor = (arrival.visitor_id or new_id()) if identified else daily_id(arrival, now=now)
    profile = replace(
        session.profile,
        city=place.city if place else "",
        ip_prefix=ip_prefix(arrival.ip) if identified else "",
        user_agent=printable(arrival.user_agent)[:512] if identified else "",
    )
    chosen = replace(session, consent=choice, visitor_id=visitor, profile=profile)
    ensure_stored(chosen)
    VisitorSession.objects.filter(pk=session.session_id).update(
        consent=choice,
        visitor_id=visitor,
        city=profile.city,
        ip_prefix=profile.ip_prefix,
        user_agent=profile.user_agent,
        unconfirmed=False,
    )
    if not identified:
        session_events(session).exclude(visitor_id=visitor).update(visitor_id=visitor)
    ConsentRecord.objects.create(
        visitor_id=visitor if identified else None,
        session_id=session.session_id,
        choice=choice,
        policy_version=settings.CONSENT_POLICY_VERSION,
        created_at=now,
    )
    fields = {"consent": choice, "visitor": visitor.hex, "profile": state.encode_profile(profile)}
    transaction.on_commit(lambda: update_live(session.session_id, **fields))
    return chosen


def session_events(session: SessionState) -> QuerySet[SessionEvent]:
    """What happened in a visit so far. Its times keep PostgreSQL from looking into other months."""
    longest = timedelta(seconds=settings.VISITOR_SESSION_MAX_SECONDS)
    within = (session.started_at - OLDEST, session.started_at + longest)
    return SessionEvent.objects.filter(session_id=session.session_id, timestamp__range=within)


def mark_ordered(*, session_id: UUID, order_id: UUID) -> None:
    """The visit placed an order. Runs in the placing transaction."""
    VisitorSession.objects.filter(pk=session_id).update(order_id=order_id)
    record(session_id, "order_placed")
    transaction.on_commit(lambda: update_live(session_id, order=order_id.hex))


def mark_converted(*, session_id: UUID, order_id: UUID, now: datetime) -> None:
    """The visit's order was paid. Runs in the settling transaction; twice is harmless."""
    VisitorSession.objects.filter(pk=session_id, converted=False).update(
        converted=True, converted_at=now, order_id=order_id
    )
    record(session_id, "order_completed", now=now)
    transaction.on_commit(lambda: update_live(session_id, order=order_id.hex, converted=1))


def update_live(session_id: UUID, **fields: str | int) -> None:
    """Brings the live copy up to date; when Redis is away, PostgreSQL has the change already."""
    try:
        state.update(session_id, **fields)
    except RedisAwayError:
        log.warning("the live copy of session %s could not be updated", session_id)

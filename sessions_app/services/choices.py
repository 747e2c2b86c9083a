"""What the visitor chooses: to be measured or not, to log in or out, to end the visit."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from core.ids import new_id
from core.net import ip_prefix, printable
from core.redis import RedisAwayError
from sessions_app import state
from sessions_app.events import OLDEST
from sessions_app.geo import locate
from sessions_app.models import Consent, ConsentRecord, SessionEvent, VisitorSession
from sessions_app.services.arrivals import TOUCH_FIELDS, Arrival, daily_id, may_identify
from sessions_app.services.happenings import record, update_live
from sessions_app.services.living import ensure_stored, open_session
from sessions_app.state import SessionState

log = logging.getLogger(__name__)


def clear(session: SessionState, *, now: datetime) -> None:
    """Ends the visit. Its history stays."""
    ensure_stored(session)
    VisitorSession.objects.filter(pk=session.session_id, ended_at=None).update(ended_at=now, last_seen_at=now)
    try:
        state.forget(session.session_id)
    except RedisAwayError:
        log.warning("session %s was cleared while Redis was away", session.session_id)


NO_SOURCE = dict.fromkeys(TOUCH_FIELDS, "") | {"channel": "direct"}
"""Of a visit that came from the visit before."""


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
            api_page_views=0, counted="", order_id=None, converted=False, profile=replace(session.profile, **NO_SOURCE),
        )  # fmt: skip
        session = open_session(fresh, events=[], now=now)
    return become(session, customer_id=customer_id, now=now)


@transaction.atomic
def become(session: SessionState, *, customer_id: UUID, now: datetime) -> SessionState:
    """Ties an anonymous visit to a customer."""
    ensure_stored(session)
    VisitorSession.objects.not_erased().filter(pk=session.session_id).update(
        customer_id=customer_id, type=VisitorSession.Type.CUSTOMER, unconfirmed=False
    )
    record(session.session_id, "customer_login", now=now, customer=customer_id.hex)
    return replace(session, customer_id=customer_id)


def log_out(session: SessionState, *, now: datetime) -> None:
    """The customer logged out. The visit ends, so that whoever sits there next sees nothing of it."""
    clear(session, now=now)


def confirm(session: SessionState) -> None:
    """The visitor did something that leaves no event."""
    row = VisitorSession.objects.not_erased().filter(pk=session.session_id)
    if not row.filter(unconfirmed=False).exists():
        ensure_stored(session)
        row.update(unconfirmed=False)


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
    VisitorSession.objects.not_erased().filter(pk=session.session_id).update(
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

"""The beginning of a visit: who comes, and what the first request shows of where from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings

from core.ids import new_id
from core.net import ip_prefix, printable
from sessions_app.agents import parse
from sessions_app.channel_rules import current_rules
from sessions_app.channels import Utm, classify, referrer_host
from sessions_app.entries import Entry, Kind
from sessions_app.geo import locate
from sessions_app.models import Consent, Device
from sessions_app.own_hosts import is_own
from sessions_app.salts import daily_visitor_id
from sessions_app.state import Profile, SessionState


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
    sent: UUID | None = None
    """The first event of what a page sends that cannot read the answer: it will send the same again."""


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
    if is_own(host, arrival.own_host):
        host = ""
    fields = {f"utm_{name}": value[:255] for name, value in asdict(arrival.utm).items()}
    return fields | {
        "referrer": printable(arrival.referrer)[:2048] if host else "",
        "referrer_host": host,
        "channel": classify(referrer_host=host, utm=arrival.utm, rules=current_rules()),
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
        "last_seen_at": max(session.started_at, session.last_seen_at).isoformat(),  # a clock may go back
        "touches": [touch],
    }
    return Entry.of(Kind.SESSION, fields)


TOUCH_FIELDS = (
    "channel", "referrer", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "landing_page",
)  # fmt: skip

"""The visit of a request: found or begun when somebody asks, noted once when the request is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core import logs
from core.clock import now as clock_now
from core.clock import shop_day
from core.limits import Allowance
from core.net import client_ip
from core.redis import RedisAwayError
from sessions_app import ingest, services
from sessions_app.agents import parse
from sessions_app.channels import NO_UTM, Utm, page_path, referrer_host
from sessions_app.events import Event, Source
from sessions_app.models import Consent
from sessions_app.services import Arrival
from sessions_app.state import SessionState
from sessions_app.tokens import (
    CONSENT_COOKIE,
    SESSION_COOKIE,
    VISITOR_COOKIE,
    VISITOR_COOKIE_SECONDS,
    sign,
    unsign,
)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Visit:
    """What one request has to do with its visitor session.

    A known session costs one round trip to Redis, however much is asked and recorded: `session` reads it, `record`
    collects events, `commit` sends them. A request that never asks is noted by the middleware's `commit` alone.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.now: datetime = clock_now()
        shown = request.META.get("HTTP_X_VISITOR_SESSION") or request.COOKIES.get(SESSION_COOKIE, "")
        self.shown_id = unsign(shown, purpose="session")
        if self.shown_id is not None:
            logs.note(session=self.shown_id)
        self.other_id: UUID | None = None
        self.known: SessionState | None = None
        self.allowance: Allowance | None = None
        self.pending: list[Event] = []
        self.seen = False
        self.ended = False
        self.joined = False
        self.passes = False
        self.opted_out = request.META.get("HTTP_SEC_GPC") == "1" or request.META.get("HTTP_DNT") == "1"

    @property
    def session(self) -> SessionState:
        """The session, begun if there is none. A crawler that reads is answered one that nobody keeps."""
        if self.known is None and self.request.method in SAFE_METHODS and self.from_crawler:
            self.known, self.passes = services.begin(arrival=self.arrival(), now=self.now), True
        elif self.known is None:
            self._find_or_begin()
        assert self.known is not None  # noqa: S101 - for the type checker
        return self.known

    @property
    def shown(self) -> SessionState | None:
        """The session that is shown, if it lives; none is begun."""
        if self.known is None and self.shown_id is not None:
            self.known = services.see(self.shown_id, now=self.now)
            self.seen = self.known is not None
        return self.known

    @property
    def shown_visitor(self) -> UUID | None:
        """The id by which the browser is recognised, if it shows one."""
        return unsign(self.request.COOKIES.get(VISITOR_COOKIE, ""), purpose="visitor")

    @property
    def session_id(self) -> UUID | None:
        """The session's id; None for a crawler, for whom none is begun."""
        return None if self.known is None and self.from_crawler else self.session.session_id

    @property
    def from_crawler(self) -> bool:
        """A crawler shows no session of its own. Whoever shows a valid one is a visitor, whatever the user agent."""
        return self.shown_id is None and parse(self.request.META.get("HTTP_USER_AGENT", "")).is_bot

    @property
    def from_stranger(self) -> bool:
        """Whether a page of another origin asks that is not listed, so that its browser keeps the answer from it."""
        origin = self.request.META.get("HTTP_ORIGIN", "")
        own = origin.partition("//")[2] in ("", self.request.get_host())
        return not own and origin not in settings.CORS_ALLOWED_ORIGINS

    @property
    def consent(self) -> str:
        """The choice of whoever asks. Nobody's session is begun for that."""
        return self._consent() if self.shown_id is None else self.session.consent

    @property
    def token(self) -> str:
        """The signed value that finds this session again."""
        return sign(self.session.session_id, purpose="session")

    def count(self, allowance: Allowance) -> None:
        """Counts the request, in the trip that finds its visit if it shows one.

        Raises:
            RateLimitedError: one too many; the visit is left as it was.
        """
        self.allowance = allowance
        if self.shown_id is not None and not self.seen:
            self.known = services.see(self.shown_id, now=self.now, allowance=allowance)
            self.seen = self.known is not None
        allowance.check()

    def show(self, token: str) -> None:
        """A token from where no header can be sent. A live session that cookie or header shows goes first."""
        shown = unsign(token, purpose="session")
        if self.shown_id is None:
            self.shown_id = shown
        elif shown != self.shown_id:
            self.other_id = shown

    def opt_out(self) -> None:
        """The browser says so (global privacy control, Do Not Track), if not in its headers. Counts as denied,
        also for a visit that went on for a while; but not against what the visitor chose.
        """
        self.opted_out = True
        if self.shown_id is None:
            return
        session = self.session
        if session.consent == Consent.UNKNOWN and services.may_identify(session.consent):
            self.replace(services.choose_consent(session, granted=False, arrival=self.arrival(), now=self.now))

    def record(self, event: Event) -> None:
        """Adds an event to what `commit` sends."""
        self.pending.append(event)

    def record_view(self, *, product_id: UUID | None = None) -> None:
        """The API was read: a page view, and a product view of a product. The page is the shop's if it says so."""
        page = self.landing_page or self.request.path
        self.record(Event("page_view", Source.API, self.now, page=page))
        if product_id is not None:
            self.record(Event("product_view", Source.API, self.now, page=page, product_id=product_id))

    def commit(self) -> None:
        """Sends what was recorded, and notes that the session was seen.

        Raises:
            OperationalError, InterfaceError, PoolTimeout: neither Redis nor PostgreSQL took it.
        """
        if self.ended or (self.seen and not self.pending):
            return
        if self.passes or (self.known is None and self.from_crawler):
            self._count_crawler()
        else:
            self._find_or_begin(may_join=True)
        self.pending = []

    def confirm(self) -> None:
        """The request was a deed: whoever asks is no program that only reads."""
        if self.known is not None and not (self.ended or self.joined):
            services.confirm(self.known)

    def end(self) -> None:
        """Ends the session (`clear`)."""
        services.clear(self.session, now=self.now)
        self.ended = True

    def forget(self) -> None:
        """All that is known of whoever asks was erased. Its cookies go, too."""
        self.known, self.pending, self.ended = None, [], True

    def log_in(self, customer_id: UUID) -> None:
        """The visitor logged in: the visit becomes the customer's, or another one begins."""
        self.replace(services.log_in(self.session, customer_id=customer_id, now=self.now))

    def log_out(self) -> None:
        """The customer logged out: the visit ends."""
        services.log_out(self.session, now=self.now)
        self.ended = True

    def replace(self, session: SessionState) -> None:
        """The session was changed by a service."""
        self.known = session

    def begin_anew(self, arrival: Arrival) -> SessionState:
        """Begins a session although one may have been shown (`POST /storefront/session`)."""
        self.known = services.open_session(services.begin(arrival=arrival, now=self.now), events=[], now=self.now)
        self.seen = True
        logs.note(session=self.known.session_id)
        return self.known

    def set_cookies(self, response: HttpResponse) -> None:
        """Sets a cookie only when its value changes."""
        if self.passes:
            return
        if self.ended:
            response.delete_cookie(SESSION_COOKIE, samesite="Lax")
        elif self.known is not None and not self.joined and self.known.session_id != self.shown_id:
            set_cookie(response, SESSION_COOKIE, self.token, settings.VISITOR_SESSION_MAX_SECONDS)
        if self.known is None or self.joined:
            return
        identified = services.may_identify(self.known.consent)
        if identified and self.shown_visitor != self.known.visitor_id:
            set_cookie(
                response,
                VISITOR_COOKIE,
                sign(self.known.visitor_id, purpose="visitor"),
                VISITOR_COOKIE_SECONDS,
            )
        elif not identified and VISITOR_COOKIE in self.request.COOKIES:
            response.delete_cookie(VISITOR_COOKIE, samesite="Lax")

    @property
    def own_host(self) -> str:
        """The shop's, as whoever asks knows it: a listed origin has another one than the API."""
        origin = self.request.META.get("HTTP_ORIGIN", "")
        listed = origin in settings.CORS_ALLOWED_ORIGINS
        return referrer_host(origin if listed else f"https://{self.request.get_host()}")

    @property
    def landing_page(self) -> str:
        """The page of the shop that called the API; "" if it was none of the shop's."""
        page = self.request.META.get("HTTP_REFERER", "")
        return page_path(page) if referrer_host(page) == self.own_host else ""

    def arrival(self) -> Arrival:
        """What this request shows of where the visitor came from. The page that called the API is the landing page."""
        meta = self.request.META
        page = meta.get("HTTP_REFERER", "")
        own = self.own_host
        from_shop = referrer_host(page) == own
        return Arrival(
            ip=client_ip(self.request),
            user_agent=meta.get("HTTP_USER_AGENT", ""),
            own_host=own,
            landing_page=page_path(page) if from_shop else "",
            referrer="" if from_shop else page,
            utm=Utm.from_address(page) if from_shop else Utm.from_query(meta.get("QUERY_STRING", "")),
            visitor_id=self.shown_visitor,
            consent=self._consent(),
        )

    def _consent(self) -> str:
        if self.opted_out:
            return Consent.DENIED
        chosen = self.request.COOKIES.get(CONSENT_COOKIE, "")
        return chosen if chosen in Consent.values else Consent.UNKNOWN

    def _find_or_begin(self, *, may_join: bool = False) -> None:
        """One trip for a known session; a new one is begun with what was recorded so far.

        A request that asked nothing of its session may join one that a request beside it began. It is told nothing of
        it, not even a cookie: who sits behind the same address with the same browser may be somebody else.
        """
        events, self.pending = self.pending, []
        session_id = self.known.session_id if self.known else self.shown_id
        if self.known and session_id not in self._shown_ids:  # begun by this request, in place of the one that is shown
            events = self._still_wanted(events)
        found = None
        for shown in filter(None, (session_id, self.other_id)):
            found = found or services.see(shown, events=events, now=self.now, allowance=self.allowance)
        if found is not None:
            self._note_arrivals(found, events)
        else:
            if self.allowance:
                self.allowance.check()
            wanted = self._still_wanted(events)
            if may_join and events and not wanted:
                self.ended = True  # nobody comes: these were on their way when the visit was erased
                return
            events = wanted
            arrival = self._first_arrival(events)
            ended = self.other_id or self.shown_id
            arrived = services.arrived_now(arrival, ended=ended, now=self.now) if may_join else None
            fresh = services.begin(arrival=arrival, now=self.now)
            found = services.open_session(fresh, events=events, now=self.now, arrived=arrived)
            self.joined = found.session_id != fresh.session_id
            if self.joined:
                self._note_arrivals(found, events)
        self.known, self.seen = found, True
        logs.note(session=found.session_id)

    @property
    def _shown_ids(self) -> list[UUID]:
        return [shown for shown in (self.shown_id, self.other_id) if shown is not None]

    def _still_wanted(self, events: list[Event]) -> list[Event]:
        """These events but for those that happened before the visit that is shown was erased."""
        late = services.before_erasing(events, self._shown_ids)
        return [event for event in events if event not in late]

    def _note_arrivals(self, session: SessionState, events: list[Event]) -> None:
        """A page view of a known visit may tell where it came from, or that it came again by another way."""
        views = [event for event in events if event.source == Source.SCRIPT and event.is_page_view]
        first = session.script_page_views == len(views)
        for event in views:
            if event.referrer or event.utm != NO_UTM:
                services.note_arrival(
                    session, arrival=arrival_of(event, self.arrival()), first=first, now=event.timestamp
                )

    def _first_arrival(self, events: list[Event]) -> Arrival:
        """The script knows more of the landing than the headers of its request."""
        arrival = self.arrival()
        if events and events[0].source == Source.SCRIPT and self.from_stranger:
            arrival = replace(arrival, sent=events[0].event_id)
        first = next((event for event in events if event.source == Source.SCRIPT and event.is_page_view), None)
        return arrival if first is None else arrival_of(first, arrival)

    def _count_crawler(self) -> None:
        views = sum(event.is_page_view for event in self.pending)
        try:
            if views:
                ingest.count_crawler(day=shop_day(self.now).isoformat(), views=views)
        except RedisAwayError:
            return  # crawlers are a courtesy figure: not worth a write to PostgreSQL


def arrival_of(event: Event, base: Arrival) -> Arrival:
    """Where the visitor came from as a page view of the script tells it."""
    return replace(
        base,
        landing_page=event.page or base.landing_page,
        referrer=event.referrer,
        utm=event.utm,
    )


def set_cookie(response: HttpResponse, name: str, value: str, seconds: int) -> None:
    """A cookie as all of ours are: not for scripts, same site, secure outside development."""
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=not settings.DEVELOPMENT)

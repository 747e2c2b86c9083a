"""The visitor session over HTTP."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import success
from core.errors import InvalidInputError
from core.schema import enveloped
from sessions_app import services
from sessions_app.channels import NO_UTM, Utm, page_path
from sessions_app.events import EventError, parse_event
from sessions_app.middleware import VisitRequest
from sessions_app.models import Consent
from sessions_app.selectors import active_session_count
from sessions_app.serializers import (
    ActiveUsersOut,
    ClearedOut,
    ConsentIn,
    ConsentOut,
    EventIn,
    SessionAnswer,
    StartSessionIn,
    TrackedOut,
)
from sessions_app.tokens import CONSENT_COOKIE
from sessions_app.visits import Visit, set_cookie

ACTIVE_WINDOW = timedelta(minutes=30)
CONSENT_COOKIE_SECONDS = 180 * 24 * 60 * 60


def visit_of(request: Request) -> Visit:
    """The visit of a request below /api/v1/."""
    return cast(VisitRequest, request._request).visit


def session_body(visit: Visit) -> dict[str, Any]:
    """The session as `SessionOut` shows it."""
    session = visit.session
    return asdict(session.profile) | {
        "session_id": session.session_id,
        "visitor_id": session.visitor_id,
        "type": session.type.upper(),
        "customer_id": session.customer_id,
        "page_views": session.page_views,
        "started_at": session.started_at,
        "last_seen_at": session.last_seen_at,
        "duration_seconds": int((session.last_seen_at - session.started_at).total_seconds()),
        "converted": session.converted,
        "order_id": session.order_id,
        "consent": session.consent,
        "token": visit.token,
    }


class StartSessionView(APIView):
    """Begins a session for an app or a server-rendered shop, which then passes the token on."""

    @extend_schema(request=StartSessionIn, responses={201: enveloped(SessionAnswer, "StartSession")})
    def post(self, request: Request) -> Response:
        given = StartSessionIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        utm = Utm(**{name.removeprefix("utm_"): value for name, value in fields.items() if name.startswith("utm_")})
        visit = visit_of(request)
        page = fields["landing_page"]
        arrival = replace(
            visit.arrival(),
            landing_page=page_path(page),
            referrer=fields["referrer"],
            utm=utm if utm != NO_UTM else Utm.from_address(page),
        )
        visit.begin_anew(arrival)
        return success(SessionAnswer({"session": session_body(visit)}).data, status=201)


class CurrentSessionView(APIView):
    """The session of this request."""

    @extend_schema(responses=enveloped(SessionAnswer, "CurrentSession"))
    def get(self, request: Request) -> Response:
        return success(SessionAnswer({"session": session_body(visit_of(request))}).data)


class TrackEventView(APIView):
    """One event for this session, from a server-rendered shop or an app."""

    @extend_schema(request=EventIn, responses={202: enveloped(TrackedOut, "TrackEvent")})
    def post(self, request: Request) -> Response:
        visit = visit_of(request)
        try:
            visit.record(parse_event(request.data, now=visit.now))
        except EventError as error:
            raise refused_event(error) from error
        visit.commit()
        return success(TrackedOut({"accepted": 1}).data, status=202)


def refused_event(error: EventError) -> InvalidInputError:
    """The refusal of a single event."""
    refusal = InvalidInputError(str(error), details={"event": [str(error)]})
    refusal.code = error.code
    return refusal


class ActiveUsersView(APIView):
    """How many sessions were seen in the last 30 minutes."""

    @extend_schema(responses=enveloped(ActiveUsersOut, "ActiveUsers"))
    def get(self, request: Request) -> Response:
        now = visit_of(request).now
        count = active_session_count(since=now - ACTIVE_WINDOW)
        return success(ActiveUsersOut({"active_users": count, "timestamp": now}).data)


class ClearSessionView(APIView):
    """Ends the session; its history stays."""

    @extend_schema(request=None, responses=enveloped(ClearedOut, "ClearSession"))
    def post(self, request: Request) -> Response:
        visit_of(request).end()
        return success(ClearedOut({"cleared": True}).data)


class ConsentView(APIView):
    """What the visitor said about being measured."""

    @extend_schema(responses=enveloped(ConsentOut, "Consent"))
    def get(self, request: Request) -> Response:
        return success(consent_body(visit_of(request).consent))

    @extend_schema(request=ConsentIn, responses=enveloped(ConsentOut, "ConsentChosen"))
    def put(self, request: Request) -> Response:
        given = ConsentIn(data=request.data)
        given.is_valid(raise_exception=True)
        visit = visit_of(request)
        granted = given.validated_data["analytics"]
        visit.replace(services.choose_consent(visit.session, granted=granted, arrival=visit.arrival(), now=visit.now))
        answer = success(consent_body(visit.session.consent))
        set_cookie(answer, CONSENT_COOKIE, visit.session.consent, CONSENT_COOKIE_SECONDS)
        return answer


def consent_body(consent: str) -> Any:
    """The choice as `ConsentOut`."""
    chosen = None if consent == Consent.UNKNOWN else consent == Consent.GRANTED
    return ConsentOut({"analytics": chosen, "policy_version": settings.CONSENT_POLICY_VERSION}).data

"""What is held about a visitor, over HTTP: given out to whoever shows the visit or the browser's cookie, and erased."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import personal_data
from core.api import success
from core.clock import now
from core.errors import DomainError
from core.personal import PersonalView
from core.personal_data import Subject
from core.schema import enveloped
from core.serializers import CamelSerializer, valid
from customers.serializers import DoneOut, ExportOut
from sessions_app import whose
from sessions_app.api import CONSENT_COOKIE_SECONDS, visit_of
from sessions_app.models import Consent
from sessions_app.tokens import CONSENT_COOKIE, VISITOR_COOKIE
from sessions_app.visits import set_cookie


class NoActiveSessionError(DomainError):
    """Neither a visit that lives was shown nor a browser that is recognised."""

    code, status = "NO_ACTIVE_SESSION", 400
    message = _("There is no visit of yours any more, so nothing of it can be found.")


class EraseIn(CamelSerializer):
    """What is to be erased. Without its orders a visit leaves no trace in them, and they go on."""

    orders = serializers.BooleanField(help_text="Also what was ordered as a guest, but for what invoices must keep.")


class OwnVisitsView(PersonalView):
    """About whoever asks. An address and a user agent prove nothing: others may have the same."""

    def subject(self, request: Request) -> Subject:
        """Whose data.

        Raises:
            NoActiveSessionError: nobody's, as far as can be known.
        """
        visit = visit_of(request)
        found = whose.shown(visit.shown, visit.shown_visitor)
        if not found.visits and not found.visitors:
            raise NoActiveSessionError
        return found


class ExportVisitorView(OwnVisitsView):
    """Everything held about whoever asks."""

    @extend_schema(responses=enveloped(ExportOut, "ExportVisitor"))
    def get(self, request: Request) -> Response:
        held = personal_data.export(self.subject(request))
        headers = {"Content-Disposition": 'attachment; filename="visitor.json"'}
        return success({"exportedAt": now(), "held": held}, headers=headers)


class VisitorView(OwnVisitsView):
    """Whoever asks, as a visitor."""

    @extend_schema(request=EraseIn, responses=enveloped(DoneOut, "ErasedVisitor"))
    def delete(self, request: Request) -> Response:
        """Erases it, and counts as refusing to be recognised from now on: that alone the browser remembers."""
        data = valid(EraseIn(data=request.data))
        subject = self.subject(request)
        personal_data.erase(subject if data["orders"] else replace(subject, shopped_in=frozenset()), now=now())
        visit_of(request).forget()
        answer = success(DoneOut({"done": True}).data)
        answer.delete_cookie(VISITOR_COOKIE, samesite="Lax")
        set_cookie(answer, CONSENT_COOKIE, Consent.DENIED, CONSENT_COOKIE_SECONDS)
        return answer

"""What a visitor asks of staff: to be given what is held of them, or to be erased. On the page of a visit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from core import personal_data
from core.admin import HistoryAdmin, action, as_uuid, ask, decided, record_page
from core.clock import now
from sessions_app import whose
from sessions_app.models import VisitorSession

ERASE = "sessions_app.erase_visitorsession"
GONE = "Nothing is held: this visit was erased already, or is not there."


class AnswersVisitors(HistoryAdmin):
    """Visits, with buttons for those who answer visitors. Both are about all visits of the browser if it could be
    recognised, else about this one.
    """

    actions_detail = ("give_out", "erase")

    @action(description="Give out what is held", icon="download", permissions=["answer"])
    def give_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A file for the visitor."""
        subject = whose.of_visit(UUID(object_id))
        if subject is None:
            self.message_user(request, GONE, messages.WARNING)
            return redirect(page_of(object_id))
        body = {"exportedAt": now(), "held": personal_data.export(subject)}
        headers = {"Content-Disposition": 'attachment; filename="visitor.json"'}
        return JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False}, headers=headers)

    @action(
        description="Erase the visitor",
        icon="person_remove",
        permissions=["answer"],
        dialog=ask(
            "Erase this visitor for good?",
            "All visits of this browser if it could be recognised, else this visit: who it was, what happened, carts "
            "and consents. What a guest ordered in them keeps what an invoice needs; orders that wait for money are "
            "cancelled, and those that were not shipped lose their address. Orders of an account stay with it.",
            "Erase",
        ),
    )
    def erase(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        subject = whose.of_visit(UUID(object_id))
        if subject is None:
            return decided(self, request, GONE, page=page_of(object_id), level=messages.WARNING)
        personal_data.erase(subject, now=now())
        husk = VisitorSession.objects.get(pk=object_id)
        self.log_change(request, husk, f"The visitor was erased: {len(subject.visits)} visits.")  # names nobody
        return decided(self, request, "The visitor was erased.", page=page_of(object_id))

    def has_answer_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this person may, and it can be a visit."""
        return request.user.has_perm(ERASE) and (not object_id or as_uuid(object_id) is not None)


def page_of(object_id: str) -> str:
    """The page of the visit."""
    return record_page("sessions_app_visitorsession", object_id)

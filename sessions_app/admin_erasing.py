"""What a visitor asks of staff: to be given what is held of them, or to be erased. On the page of a visit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from core.admin import AnswersPeople, HistoryAdmin, NobodyError, action, ask
from core.personal_data import Subject
from sessions_app import whose
from sessions_app.models import VisitorSession

ERASE = "sessions_app.erase_visitorsession"
GONE = "Nothing is held: this visit was erased already, or is not there."


class AnswersVisitors(AnswersPeople, HistoryAdmin):
    """Visits, with buttons for those who answer visitors. Both are about all visits of the browser if it could be
    recognised, else about this one.
    """

    answers = "visitor"
    permission_to_answer = ERASE

    def subject_of(self, key: UUID) -> Subject:
        subject = whose.of_visit(key)
        if subject is None:
            raise NobodyError(GONE)
        return subject

    def husk(self, key: UUID) -> VisitorSession:
        """The visit, which only counts."""
        return VisitorSession.objects.get(pk=key)

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
        return self.erase_for_good(request, object_id)

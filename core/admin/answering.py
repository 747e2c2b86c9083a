"""What people ask of staff: to be given what is held of them, or to be erased. Buttons on the page of a record."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from core import personal_data
from core.admin.decisions import decided
from core.admin.screen import Screen
from core.admin.toolkit import action, as_uuid, record_page
from core.clock import now
from core.personal_data import Subject


class NobodyError(Exception):
    """Nobody can be answered by this record; the text says why."""


class AnswersPeople(Screen):
    """Records that lead to somebody. A screen says to whom, and asks in its own words before it erases (`erase`)."""

    actions_detail = ("give_out", "erase")
    answers: ClassVar[str]
    """Who is answered, in a word."""
    permission_to_answer: ClassVar[str]

    def subject_of(self, key: UUID) -> Subject:
        """Whose data.

        Raises:
            NobodyError
        """
        raise NotImplementedError

    def check_may_go(self, subject: Subject) -> None:
        """Whether they may be erased.

        Raises:
            NobodyError
        """

    def husk(self, key: UUID) -> Model:
        """What the admin's log calls by the key; it names nobody."""
        raise NotImplementedError

    @action(description="Give out what is held", icon="download", permissions=["answer"])
    def give_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A file for whoever asked."""
        try:
            subject = self.subject_of(UUID(object_id))
        except NobodyError as reason:
            self.message_user(request, str(reason), messages.WARNING)
            return redirect(self.page_of(object_id))
        body = {"exportedAt": now(), "held": personal_data.export(subject)}
        headers = {"Content-Disposition": f'attachment; filename="{self.answers}.json"'}
        return JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False}, headers=headers)

    def erase_for_good(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the screen's `erase` does when it was confirmed."""
        key, done = UUID(object_id), f"The {self.answers} was erased."
        try:
            subject = self.subject_of(key)
            self.check_may_go(subject)
        except NobodyError as reason:
            return decided(self, request, str(reason), page=self.page_of(object_id), level=messages.WARNING)
        held = ", ".join(f"{name}: {amount}" for name, amount in personal_data.amounts(subject).items())
        personal_data.erase(subject, now=now())
        self.log_change(request, self.husk(key), f"{done} Held was: {held}.")  # names nobody
        return decided(self, request, done, page=self.page_of(object_id))

    def page_of(self, object_id: str) -> str:
        """The record's page; the list if nothing is left of it."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        is_left = self.model._default_manager.filter(pk=object_id).exists()
        return record_page(name, object_id) if is_left else reverse(f"admin:{name}_changelist")

    def has_answer_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this person may, and it can be a record."""
        return request.user.has_perm(self.permission_to_answer) and (not object_id or as_uuid(object_id) is not None)

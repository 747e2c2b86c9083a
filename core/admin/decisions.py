"""Buttons of a record's page that change something: each asks first, says what came of it, and leads on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core.admin.screen import Screen

LONGEST_KEY = 18
"""Digits; PostgreSQL's bigint holds one more, but not all of those."""


def ask(title: Any, description: Any, submit: Any, form: type[forms.Form] | None = None) -> dict[str, Any]:
    """The `dialog` of an `action`. With it the action runs on a POST alone: unfold shows the dialog on a GET, and its
    form carries the CSRF token.
    """
    return {"title": title, "description": description, "form_class": form, "form_submit_text": submit}


def decided(
    screen: Screen, request: HttpRequest, text: str, *, page: str, level: int = messages.SUCCESS
) -> HttpResponse:
    """Says what came of it on the page of that address, which comes next."""
    screen.message_user(request, text, level)
    return go_on(page)


def go_on(page: str) -> HttpResponse:
    """Leaves the dialog for the page of that address, also where it was opened in a tab of its own."""
    return HttpResponse(headers={"HX-Redirect": page, "Refresh": f"0; url={page}"})


def is_there(rows: QuerySet[Any], object_id: str) -> bool:
    """Whether one of the rows has this number, as it stands in an address: it may be anything."""
    return object_id.isdecimal() and len(object_id) <= LONGEST_KEY and rows.filter(pk=object_id).exists()

"""What the app does when Django says that somebody logged in: the one place that every login comes through."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from core.clock import now
from customers.models import User
from customers.selectors import is_staff
from customers.staff_sessions import begin


def connect() -> None:
    """Called when the app is ready."""
    user_logged_in.connect(note_login, dispatch_uid="customers.note_login")


def note_login(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    """A login of staff says when it began."""
    if is_staff(user):
        begin(request.session, now())

"""How long a login of staff lasts, and what it must have shown. Customers' logins are not touched.

Whatever asks `request.user` is told: a login that has ended, or that shows less than the shop asks for, is nobody's. So
no page and no endpoint can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from core.clock import now
from core.errors import DomainError
from customers.models import User
from customers.selectors import is_staff

BEGAN, SEEN = "staff_began", "staff_seen"
"""In the session: Unix seconds."""
NOTED_EVERY = 60
"""Seconds. How exactly the last request is known: a write a minute at most."""
POLL = "HTTP_X_POLL"
"""A page that refreshes itself says so by this header: nobody need be there, so it prolongs nothing."""


class SecondFactorRequiredError(DomainError):
    """Staff must have a second factor here (`STAFF_SECOND_FACTOR`), and this login has shown none."""

    code, status = "SECOND_FACTOR_REQUIRED", 403
    message = "Staff need a second factor here. Log in at the admin to set it up."


class StaffSessionMiddleware:
    """Stands behind Django's own, which knows whose login it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: present(request))  # type: ignore[assignment] # what it stands for is one
        return self.get_response(request)


def present(request: HttpRequest) -> User | AnonymousUser:
    """Who asks, if their login still counts."""
    user: Any = get_user(request)
    if not isinstance(user, User) or not is_staff(user):
        found: User | AnonymousUser = user
        return found
    instant = now()
    if has_ended(request.session, instant):
        request.session.flush()
        return AnonymousUser()
    if lacks_second_factor(user):
        vars(request)["second_factor_missing"] = True
        return AnonymousUser()
    if POLL not in request.META and instant.timestamp() - request.session[SEEN] >= NOTED_EVERY:
        request.session[SEEN] = instant.timestamp()
    return user


def begin(session: SessionBase, instant: datetime) -> None:
    """A login of staff begins."""
    session[BEGAN] = session[SEEN] = instant.timestamp()


def has_ended(session: SessionBase, instant: datetime) -> bool:
    """Whether the login is too old, or nobody was there for too long. One that does not say when it began has."""
    began, seen = session.get(BEGAN), session.get(SEEN)
    if began is None or seen is None:
        return True
    whole, idle = timedelta(hours=settings.STAFF_SESSION_HOURS), timedelta(minutes=settings.STAFF_IDLE_MINUTES)
    at = instant.timestamp()
    return bool(at - began >= whole.total_seconds() or at - seen >= idle.total_seconds())


def lacks_second_factor(user: User) -> bool:
    """Whether the shop asks for more than this account has."""
    return settings.STAFF_SECOND_FACTOR == "required" and user.second_factor_since is None


def demand_second_factor(request: HttpRequest) -> None:
    """For endpoints of staff, which would only say that nobody is logged in.

    Raises:
        SecondFactorRequiredError: somebody is, without the second factor that the shop asks for.
    """
    if getattr(request, "second_factor_missing", False):
        raise SecondFactorRequiredError

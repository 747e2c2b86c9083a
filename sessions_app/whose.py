"""Whose visits: what is asked for by a visitor, or by staff for one, as a `Subject`.

A browser that could be recognised is one visitor, with all its visits. Without consent the id is of a day, and whoever
has the same address and user agent that day has it, too: then only the one visit is known to be theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from core.personal_data import Subject
from sessions_app import personal, services
from sessions_app.models import ConsentRecord, VisitorSession, VisitQuerySet
from sessions_app.services import may_identify
from sessions_app.state import SessionState
from sessions_app.timeline import session_id_of
from sessions_app.tokens import unsign


class SharedIdError(LookupError):
    """The id is of a day, and may be that of several people."""


def shown(session: SessionState | None, visitor_id: UUID | None) -> Subject:
    """Whoever shows a visit that lives, or the id by which their browser is recognised; empty for who shows neither.

    Whoever sits there now learns nothing of others: visits in which a customer was logged in are that customer's alone,
    and what was typed in other visits than this one is not told.
    """
    personal.drain()
    own: list[UUID] = []
    customer_id: UUID | None = None
    if session is not None:
        services.ensure_stored(session)
        own, customer_id = [session.session_id], session.customer_id
        visitor_id = session.visitor_id if may_identify(session.consent) else visitor_id
    if visitor_id is None:
        return subject_of(own, None, shopped_in=own)
    found = recognised(visitor_id).filter(Q(customer=None) | Q(customer=customer_id))
    return subject_of([*own, *found.values_list("pk", flat=True)], visitor_id, shopped_in=own)


def of_visit(session_id: UUID) -> Subject | None:
    """For staff: a visit, with all others of its browser if that could be recognised; None if nobody knows it."""
    personal.drain()
    visit = VisitorSession.objects.not_erased().filter(pk=session_id).first()
    if visit is None:
        return None
    found = set(recognised(visit.visitor_id).values_list("pk", flat=True))
    return of_browser(visit.visitor_id) if visit.pk in found else subject_of([visit.pk], None, shopped_in=[visit.pk])


def of_browser(visitor_id: UUID) -> Subject | None:
    """For staff: all visits of a browser that could be recognised; None if nobody knows it.

    Raises:
        SharedIdError: there are visits by this id, but of a day.
    """
    personal.drain()
    found = list(recognised(visitor_id).values_list("pk", flat=True))
    if found or ConsentRecord.objects.filter(visitor_id=visitor_id).exists():
        return subject_of(found, visitor_id, shopped_in=found)
    if VisitorSession.objects.filter(visitor_id=visitor_id).exists():
        raise SharedIdError
    return None


def named(text: str) -> Subject | None:
    """By what somebody pasted: the id of a visit or of a visitor, or the value of their cookie or token.

    Raises:
        SharedIdError: see `of_browser`.
    """
    if visitor_id := unsign(text.strip().strip('"'), purpose="visitor"):
        return of_browser(visitor_id)
    key = session_id_of(text)
    return (of_visit(key) or of_browser(key)) if key else None


def recognised(visitor_id: UUID) -> VisitQuerySet:
    """The visits of a browser that could be recognised."""
    return VisitorSession.objects.not_erased().of_browser(visitor_id)


def subject_of(visits: Iterable[UUID], visitor_id: UUID | None, *, shopped_in: Iterable[UUID]) -> Subject:
    """The subject of these visits."""
    visitors = frozenset({visitor_id} if visitor_id else ())
    return Subject(visitors=visitors, visits=frozenset(visits), shopped_in=frozenset(shopped_in))

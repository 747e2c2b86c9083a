"""What the mails hold about people: that they were sent one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from core.models import Mail
from core.personal_data import Part, Subject, facts, register

INSIDE = {"context", "dedupe_key", "last_error"}


def export(subject: Subject) -> dict[str, Any]:
    """Which mails went to them, and when."""
    return {"mails": [mail_facts(mail) for mail in mails_of(subject).order_by("created_at")]}


def mail_facts(mail: Mail) -> dict[str, Any]:
    """A mail as it is given out: to whom, of which kind, when."""
    return facts(mail, without=INSIDE)


def mails_about(what: str, keys: Iterable[UUID]) -> QuerySet[Mail]:
    """The mails about an `order` or a `checkout` of one of these ids, to whomever they went."""
    about: QuerySet[Mail] = Mail.objects.filter(**{f"context__{what}__in": [str(key) for key in keys]})
    return about.order_by("created_at")


def mails_of(subject: Subject) -> QuerySet[Mail]:
    """The mails to their addresses, and about their account to others."""
    whose = Q(context__user__in=subject.users)
    for address in subject.emails:
        whose |= Q(recipient_lower=Lower(Value(address)))
    return Mail.objects.alias(recipient_lower=Lower("recipient")).filter(whose)


def erase(subject: Subject, *, now: datetime) -> None:
    """Those that wait are not sent any more."""
    mails_of(subject).delete()


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    register(Part("mails", frozenset({Mail._meta.label}), export, erase))

"""What the visits hold about people: given out, and erased to a husk that only counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core.clock import shop_day
from core.ids import new_id
from core.personal_data import Part, Subject, facts, register
from core.redis import RedisAwayError
from sessions_app import ingest, late_days, state
from sessions_app.events import OLDEST
from sessions_app.models import ConsentRecord, DeadLetter, SessionEvent, VisitorSession

log = logging.getLogger(__name__)
DRAIN_SECONDS = 3.0
HUSK: dict[str, Any] = dict.fromkeys(
    ("ip_prefix", "user_agent", "city", "landing_page", "referrer", "referrer_host", "utm_source", "utm_medium",
     "utm_campaign", "utm_term", "utm_content"), ""
) | {"customer": None, "type": VisitorSession.Type.ANONYMOUS, "touches": [], "order_id": None}  # fmt: skip
"""What an erased visit no longer says. Device, browser, country, channel, times and counts stay: they name nobody."""
NOBODY: dict[str, Any] = {"session_id": None, "visitor_id": None}
"""What an erased consent no longer says."""


def export(subject: Subject) -> dict[str, Any]:
    """The visits in which the customer was logged in, or the visitor's; and what was said about consent in visits that
    are gone.
    """
    older = consents_of(subject).exclude(session_id__in=ids_of(subject))
    return {"visits": export_visits(ids_of(subject)), "consents": [facts(record) for record in older]}


def ids_of(subject: Subject) -> list[UUID]:
    """The visits that were the customer's or the visitor's."""
    visits = VisitorSession.objects.filter(Q(customer_id__in=subject.customers) | Q(pk__in=subject.visits))
    return list(visits.order_by("pk").values_list("pk", flat=True))


def consents_of(subject: Subject) -> Any:
    """What was said in the visitor's browser, but for visits there that are not meant."""
    others = VisitorSession.objects.filter(visitor_id__in=subject.visitors).exclude(pk__in=subject.visits)
    return ConsentRecord.objects.filter(visitor_id__in=subject.visitors).exclude(session_id__in=others.values("pk"))


def export_visits(session_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """These visits with what happened in them, and what was said about consent."""
    visits = VisitorSession.objects.filter(pk__in=session_ids).order_by("started_at")
    return [
        facts(visit)
        | {
            "events": [facts(event) for event in events_of(visit)],
            "consents": [facts(record) for record in ConsentRecord.objects.filter(session_id=visit.pk)],
            "notStored": [letter.entry for letter in letters_of(visit.pk)],
        }
        for visit in visits
    ]


def events_of(visit: VisitorSession) -> Any:
    """What happened in a visit. Its times keep PostgreSQL from looking into other months."""
    longest = timedelta(seconds=settings.VISITOR_SESSION_MAX_SECONDS)
    within = (visit.started_at - OLDEST, visit.started_at + longest)
    return SessionEvent.objects.filter(session_id=visit.pk, timestamp__range=within).order_by("timestamp")


def letters_of(session_id: UUID) -> Any:
    """What happened in a visit and could not be stored."""
    return DeadLetter.objects.filter(Q(entry__session_id=session_id.hex) | Q(entry__session_id=str(session_id)))


def end_before_erasing(subject: Subject, *, now: datetime) -> None:
    """The visits end, and what is on its way to the database arrives: nothing of them comes after the erasing."""
    end_visits(ids_of(subject), now=now)
    drain()


def end_visits(session_ids: Iterable[UUID], *, now: datetime) -> None:
    """Ends these visits. With Redis away their live copies stay there for half an hour, believed by nobody."""
    ids = list(session_ids)
    VisitorSession.objects.filter(pk__in=ids).update(ended_at=Coalesce(F("ended_at"), now))
    forget_live(ids)


def forget_live(ids: Iterable[UUID]) -> None:
    """Removes the live copies of these visits."""
    try:
        for session_id in ids:
            state.forget(session_id)
    except RedisAwayError:
        log.warning("visits were erased while Redis was away")


def drain() -> None:
    """Waits until what the stream holds now is stored; a flusher beside this one may be at it."""
    until = time.monotonic() + DRAIN_SECONDS
    try:
        newest = ingest.newest_waiting()
        while waits_still(newest):
            ingest.flush(consumer="erasing")
            if time.monotonic() > until:
                log.warning("the stream could not be emptied before an erasing: run it again")
                return
            time.sleep(0.02)
    except RedisAwayError:
        log.warning("the stream could not be emptied before an erasing: Redis is away")


def waits_still(newest: datetime | None) -> bool:
    """Whether an entry as old as this one is still in the stream."""
    _length, oldest = ingest.stream_lag()
    return oldest is not None and newest is not None and oldest <= newest


def erase(subject: Subject, *, now: datetime) -> None:
    """The customer's or visitor's visits become husks."""
    consents_of(subject).update(**NOBODY)
    erase_visits(ids_of(subject), now=now)


def erase_visits(session_ids: Iterable[UUID], *, now: datetime) -> None:
    """Nothing in these visits tells any more who it was. Their events go; of a choice the proof stays, of nobody's.

    The rows stay. What comes late of such a visit is known by them and forgotten (`ingest`); and a copy of one that
    outlived an outage of Redis would otherwise be believed and stored again.
    """
    visits = list(VisitorSession.objects.select_for_update(no_key=True).filter(pk__in=session_ids).order_by("pk"))
    for visit in visits:
        events_of(visit).delete()
        ConsentRecord.objects.filter(session_id=visit.pk).update(**NOBODY)
        letters_of(visit.pk).delete()
        erased_at = visit.erased_at or now
        VisitorSession.objects.filter(pk=visit.pk).update(visitor_id=new_id(), erased_at=erased_at, **HUSK)
    late_days.note(day for visit in visits for day in (shop_day(visit.started_at), shop_day(visit.last_seen_at)))
    # Once more: a request that was under way may have brought one back since `end_visits`.
    transaction.on_commit(partial(forget_live, [visit.pk for visit in visits]))


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    tables = (VisitorSession, SessionEvent, ConsentRecord, DeadLetter)
    register(Part("visits", frozenset(model._meta.label for model in tables), export, erase, end_before_erasing))

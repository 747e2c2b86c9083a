"""What the ingest could not store: to be read, tried again, and thrown away by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from sessions_app import storing
from sessions_app.entries import Entry, Kind, session_id_of
from sessions_app.models import DeadLetter, VisitorSession

UNKNOWN_SESSION = "the session is unknown"
NO_SESSION = "the entry names no session"


@dataclass(frozen=True)
class Letter:
    """A dead letter as people look for it; times are UTC."""

    id: int
    created_at: datetime
    error: str
    event_type: str
    session_id: str
    entry: Any


@dataclass
class ReplayResult:
    """How many letters were stored (and are gone), and how many failed again (and stay, with the new error)."""

    stored: int = 0
    failed: int = 0

    @property
    def tried(self) -> int:
        """Both together."""
        return self.stored + self.failed


def newest(*, limit: int) -> list[Letter]:
    """The newest letters first."""
    return [letter_of(row) for row in DeadLetter.objects.order_by("-id")[:limit]]


def letter_of(row: DeadLetter) -> Letter:
    """A row with the words of its entry taken out, as far as it has any."""
    entry = row.entry if isinstance(row.entry, dict) else {}
    found = session_id_of(row.entry)
    kind = Entry.revived(entry).kind.value if found else "unreadable"
    return Letter(
        id=row.pk,
        created_at=row.created_at,
        error=row.error,
        event_type=str(entry.get("event_type") or f"({kind})"),
        session_id=str(found) if found else "",
        entry=row.entry,
    )


def replay(
    *,
    limit: int | None = None,
    result: ReplayResult | None = None,
    reached: Callable[[int], None] = lambda _number: None,
) -> ReplayResult:
    """Puts the letters through the ingest again, the oldest first, `limit` of them at most.

    Each has a transaction of its own, in which it is stored and removed, or keeps its new error: whoever is killed in
    the middle has lost nothing and stored nothing twice. Two replays at once share the letters. `result` is counted
    up as it goes, for a caller who may be interrupted; `reached` is told the number of letters tried.

    Raises:
        OperationalError: PostgreSQL cannot be asked; what was replayed so far is replayed.
    """
    counted = result or ReplayResult()
    for stored in attempts(limit):
        counted.stored += stored
        counted.failed += not stored
        reached(counted.tried)
    return counted


def attempts(limit: int | None) -> Iterator[bool]:
    """Tries one letter after the other; whether it was stored. Letters that arrive meanwhile wait for the next time."""
    last = DeadLetter.objects.order_by("-id").values_list("id", flat=True).first() or 0
    tried = after = 0
    while limit is None or tried < limit:
        with transaction.atomic():
            waiting = DeadLetter.objects.select_for_update(skip_locked=True).filter(id__gt=after, id__lte=last)
            letter = waiting.order_by("id").first()
            if letter is None:
                return
            tried, after = tried + 1, letter.pk
            stored = settle(letter)
        yield stored


def settle(letter: DeadLetter) -> bool:
    """Removes a locked letter that can be stored now, else notes why it cannot; whether it was stored."""
    error = refusal(letter.entry)
    if error:
        DeadLetter.objects.filter(pk=letter.pk).update(error=error[:2000])
    else:
        letter.delete()
    return not error


def refusal(entry: Any) -> str:
    """Stores an entry in a savepoint; "" if that went well, else what is wrong with it.

    The ingest buries the events of unknown sessions itself. Asked first, and the session held meanwhile, that never
    happens here, and a replay makes no letters.
    """
    session_id = session_id_of(entry)
    if session_id is None:
        return NO_SESSION
    revived = Entry.revived(entry)
    if revived.kind != Kind.SESSION and not hold_session(session_id):
        return UNKNOWN_SESSION
    try:
        with transaction.atomic():
            storing.make_months([revived])
            storing.store([revived])
            connection.check_constraints()  # those that PostgreSQL leaves to the commit, such as a customer's
    except storing.POISON as error:
        return str(error) or type(error).__name__
    return ""


def hold_session(session_id: UUID) -> bool:
    """Whether the session has its row; it then stays until the transaction ends."""
    rows = VisitorSession.objects.select_for_update(no_key=True).filter(pk=session_id).order_by()
    return rows.values_list("pk", flat=True).first() is not None


def delete(ids: Sequence[int]) -> list[int]:
    """Throws letters away for good; returns the ids of those that were there."""
    with transaction.atomic():
        found = list(
            DeadLetter.objects.select_for_update().filter(id__in=ids).order_by("id").values_list("id", flat=True)
        )
        DeadLetter.objects.filter(id__in=found).delete()
    return found

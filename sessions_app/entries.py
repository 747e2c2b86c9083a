"""What travels through the stream: the beginning of a visit, an event, an arrival. JSON that PostgreSQL takes apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class Kind(StrEnum):
    """What an entry is; the name of its field in the stream's message."""

    SESSION = "session"
    EVENT = "event"
    ARRIVAL = "arrival"


KINDS = {kind.encode(): kind for kind in Kind}


def kind_of(name: bytes) -> Kind:
    """The kind of a message's field. What nobody knows goes the way of an event: refused by PostgreSQL, it is kept as a
    dead letter.
    """
    return KINDS.get(name, Kind.EVENT)


class Entry(NamedTuple):
    """One entry, encoded already: on its way to PostgreSQL nobody needs to look inside."""

    kind: Kind
    text: bytes
    """As it travels: JSON in UTF-8, unless somebody else has written it."""

    @classmethod
    def of(cls, kind: Kind, fields: dict[str, Any]) -> Entry:
        """The entry of these fields."""
        return cls(kind, json.dumps(fields).encode())

    @classmethod
    def revived(cls, fields: dict[str, Any]) -> Entry:
        """The entry of a dead letter's fields, which tell its kind."""
        kinds = {"event_id": Kind.EVENT, "arrival": Kind.ARRIVAL}
        return cls.of(next((kind for name, kind in kinds.items() if name in fields), Kind.SESSION), fields)

    @property
    def fields(self) -> dict[str, Any]:
        """What the text says.

        Raises:
            ValueError, RecursionError: it is no JSON, or nested far too deep.
        """
        found: dict[str, Any] = json.loads(self.text.decode())
        return found


def words_of(entries: Iterable[Entry]) -> Iterator[str | bytes]:
    """Kinds and texts in turn, as a script of Redis takes them."""
    for kind, text in entries:
        yield kind
        yield text


def session_id_of(fields: Any) -> UUID | None:
    """The session that the fields of an entry belong to; None if they name none."""
    try:
        return UUID(fields["session_id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None

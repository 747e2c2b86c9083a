"""What travels through the stream: the beginning of a visit, an event, an arrival. JSON that PostgreSQL takes apart."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class Kind(StrEnum):
    """What an entry is; the name of its field in the stream's message."""

    SESSION = "session"
    EVENT = "event"
    ARRIVAL = "arrival"

    @classmethod
    def _missing_(cls, value: object) -> Kind:
        """What nobody knows goes the way of an event: refused by PostgreSQL, it is kept as a dead letter."""
        return cls.EVENT


class Entry(NamedTuple):
    """One entry, encoded already: on its way to PostgreSQL nobody needs to look inside."""

    kind: Kind
    text: str

    @classmethod
    def of(cls, kind: Kind, fields: dict[str, Any]) -> Entry:
        """The entry of these fields."""
        return cls(kind, json.dumps(fields))

    @classmethod
    def revived(cls, fields: dict[str, Any]) -> Entry:
        """The entry of a dead letter's fields, which tell its kind."""
        kinds = {"event_id": Kind.EVENT, "arrival": Kind.ARRIVAL}
        return cls.of(next((kind for name, kind in kinds.items() if name in fields), Kind.SESSION), fields)

    @property
    def fields(self) -> dict[str, Any]:
        """What the text says."""
        found: dict[str, Any] = json.loads(self.text)
        return found


def session_id_of(fields: Any) -> UUID | None:
    """The session that the fields of an entry belong to; None if they name none."""
    try:
        return UUID(fields["session_id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None

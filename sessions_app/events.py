"""Events on their way: what a client may send, and how an event travels through the stream."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from core.net import printable
from sessions_app.channels import LONGEST, NO_UTM, Utm, page_path
from sessions_app.entries import Entry, Kind
from sessions_app.models import SessionEvent

Source = SessionEvent.Source
EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset({"checkout_started", "order_placed", "order_completed", "payment_failed", "customer_login"})
OLDEST = timedelta(hours=24)
NEWEST = timedelta(minutes=2)
METADATA_BYTES = 4096
METADATA_DEPTH = 32
"""Levels. What is nested far deeper can be read, but not written again by whoever is a few calls further in."""
TEXT_LIMITS = {"page": 2048, "referrer": 2048, "title": 512}
UTM_NAMES = {part.name: f"utm{part.name.title()}" for part in fields(Utm)}


class EventError(Exception):
    """This event cannot be taken; the others of its batch can. `code` is the API's.

    The text is put together, with `values`, when it is read: in the reader's language.
    """

    def __init__(self, message: Promise, code: str = "INVALID_INPUT", **values: str) -> None:
        super().__init__(code)
        self.message, self.code, self.values = message, code, values

    def __str__(self) -> str:
        return str(self.message) % self.values if self.values else str(self.message)


@dataclass(frozen=True)
class Event:
    """One event of a session, checked. Of a page only the path is kept, and what its query says of the arrival."""

    event_type: str
    source: str
    timestamp: datetime
    page: str = ""
    product_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    event_id: UUID = field(default_factory=new_id)
    referrer: str = ""
    utm: Utm = NO_UTM

    @property
    def is_page_view(self) -> bool:
        """Whether it counts as a page view."""
        return self.event_type == "page_view"


def event_entry(event: Event, session_id: UUID) -> Entry:
    """The event as it travels through the stream."""
    return Entry.of(
        Kind.EVENT,
        {
            "event_id": event.event_id.hex,
            "session_id": session_id.hex,
            "event_type": event.event_type,
            "source": event.source,
            "page": event.page,
            "product_id": event.product_id.hex if event.product_id else None,
            "metadata": event.metadata,
            "timestamp": event.timestamp.isoformat(),
        },
    )


def parse_event(raw: Any, *, now: datetime) -> Event:
    """Checks one event of a client.

    `timestamp` is the client's when it is within 24 hours past and 2 minutes ahead of `now`, else `now`.

    Raises:
        EventError: what is wrong with it; `RESERVED_EVENT` for the types that the server alone writes.
    """
    if not isinstance(raw, dict):
        raise EventError(_("An event is an object."))
    event_type = raw.get("eventType")
    if not isinstance(event_type, str) or not EVENT_TYPE.fullmatch(event_type):
        raise EventError(
            _("eventType: lower-case letters, digits and underscores, beginning with a letter, 64 at most.")
        )
    if event_type in RESERVED:
        raise EventError(_("%(type)s is written by the server alone."), "RESERVED_EVENT", type=event_type)
    texts = {name: _text(raw, name, limit) for name, limit in TEXT_LIMITS.items()}
    metadata = _metadata(raw.get("metadata"))
    if texts["title"]:
        metadata = metadata | {"title": texts["title"]}
    return Event(
        event_type=event_type,
        source=Source.SCRIPT,
        timestamp=_timestamp(raw.get("timestamp"), now),
        page=page_path(texts["page"]),
        product_id=_uuid(raw, "productId"),
        metadata=metadata,
        event_id=_uuid(raw, "eventId") or new_id(),
        referrer=texts["referrer"],
        utm=_utm(raw, texts["page"]),
    )


def _text(raw: dict[str, Any], name: str, limit: int) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value or not _encodes(value):
        raise EventError(_("%(name)s: text without null bytes or halves of characters."), name=name)
    return value[:limit]


def _utm(raw: dict[str, Any], page: str) -> Utm:
    """What the event says itself goes before the query of its page."""
    said = {name: printable(_text(raw, sent, LONGEST)).strip() for name, sent in UTM_NAMES.items() if sent in raw}
    return Utm(**said) if any(said.values()) else Utm.from_address(page)


def _encodes(value: str) -> bool:
    """A lone surrogate is half a character: PostgreSQL refuses it."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _uuid(raw: dict[str, Any], name: str) -> UUID | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise EventError(_("%(name)s: a UUID."), name=name) from None


def _metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EventError(_("metadata: an object."))
    if _is_deep(value, METADATA_DEPTH):
        raise EventError(_("metadata: nested 32 levels deep at most."))
    text = json.dumps(value)
    if len(text) > METADATA_BYTES and len(utf8(value)) > METADATA_BYTES:
        raise EventError(_("metadata: 4 KiB at most."))
    if "\\u0000" in text or (re.search(r"\\ud[89a-f]", text) and not _encodes(json.dumps(value, ensure_ascii=False))):
        raise EventError(_("metadata: no null bytes or halves of characters."))
    if re.search(r"\b(NaN|Infinity)\b", text) and _has_no_number(value):
        raise EventError(_("metadata: numbers must be finite."))
    return value


def _is_deep(value: dict[str, Any] | list[Any], levels: int) -> bool:
    """Whether it is nested deeper than so many levels."""
    if not levels:
        return True
    entries = value.values() if isinstance(value, dict) else value
    return any(_is_deep(entry, levels - 1) for entry in entries if isinstance(entry, dict | list))


def utf8(value: Any) -> bytes:
    """A value as it is sent: a letter with an accent takes two bytes or three, not the six of its escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _has_no_number(value: Any) -> bool:
    """Whether NaN or an infinity stands anywhere: JSON has neither, Python reads both."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return True
    return False


def _timestamp(value: Any, now: datetime) -> datetime:
    if not isinstance(value, str):
        return now
    try:
        given = datetime.fromisoformat(value)
        given = given if given.tzinfo else given.replace(tzinfo=UTC)
    except ValueError:
        return now
    return given.astimezone(UTC) if now - OLDEST <= given <= now + NEWEST else now

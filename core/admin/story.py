"""What happened to a record, in the order of time, as its page tells it (`templates/admin/story.html`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils.timezone import localtime


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere; without an address it is text, to those who may not go there."""

    text: str
    address: str = ""


@dataclass(frozen=True)
class Row:
    """Something that happened, or is going to. `kind` is a word of ours, which the style goes by; all else may be
    somebody's text. `note` says what is not as usual with it.
    """

    at: datetime
    what: str
    kind: str
    by: str = ""
    reason: str = ""
    text: str = ""
    page: str = ""
    about: Link | None = None
    details: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""

    @property
    def below(self) -> bool:
        """Whether there is more to say in small."""
        return bool(self.note or self.by or self.reason)


def by_day(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows under their days, in the admin's time zone."""
    for day, found in groupby(rows, key=lambda row: f"{localtime(row.at):%d %b %Y}"):
        yield day, list(found)


def words(name: str) -> str:
    """A name of ours for people."""
    return name.replace("_", " ")


def fact(value: Any) -> str:
    """A detail for people."""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

"""What a line of the log says beside its text: of which request, visit, order and job it tells. And lines as JSON.

Whoever begins something says what it is about; nobody hands it on. Ids alone, never anybody's name or address.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

Marks = dict[str, object]
"""`request_id`, `session` (the visit), `order` (its number), `job` (the task), `job_id`: as far as they are known."""
TOKEN = re.compile(r"(?<=/reminders/unsubscribe/)[^/]+")
"""The one that must stand in a path: mail programs know no other way (RFC 8058)."""
current: ContextVar[Marks | None] = ContextVar("marks", default=None)


def begin(**marks: object) -> None:
    """From here on this thread is at this and nothing else: a request, a job. Until `end`, or until the next begins."""
    current.set(marks)


def end() -> None:
    """It is at nothing."""
    current.set(None)


def note(**marks: object) -> None:
    """What this thread is at is about this too."""
    within = current.get()
    if within is not None:
        within.update(marks)


@contextmanager
def about(**marks: object) -> Iterator[None]:
    """Lines of a `with` block, or of the function that this decorates, are about this too; what is noted in there is
    forgotten with its end: one of many orders, for example.
    """
    token = current.set({**marks_of_now(), **marks})
    try:
        yield
    finally:
        current.reset(token)


def marks_of_now() -> Marks:
    """What lines tell of at this moment."""
    return current.get() or {}


class MarksFilter(logging.Filter):
    """Puts the marks on records, for the format that is a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.marks = " ".join(map(str, marks_of_now().values())) or "-"
        return True


class TokensFilter(logging.Filter):
    """Takes the token out of the path that Django says of a refused request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(TOKEN.sub("...", each) if isinstance(each, str) else each for each in record.args)
        return True


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname,
            "logger": record.name,
        } | self.told(record)
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """What it says, and of what."""
        return {"message": record.getMessage(), **marks_of_now()}

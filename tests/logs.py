"""What a test logged, searched for people and secrets: the test that logs one fails."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
PEOPLE = ("Byron", "Lovelace", "High Street", "N1 1AA", "+44")
"""Names, addresses and telephone numbers of whoever the tests know; each e-mail address is one of somebody."""
OUR_OWN = ("celery@", "noreply@", "@%h", "@localhost")
"""What has an @ and is nobody's address."""
TOKEN = re.compile(r"[\w:.-]{20,}")
PASSWORD = "correct-horse-battery"
shown: set[str] = set()
"""Tokens and keys that the shop gave to somebody in this process (`seen`)."""


class Collector(logging.Handler):
    """Keeps each record as a line of a log would have it."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name} {record.getMessage()}{error_of(record)}")


def error_of(record: logging.LogRecord) -> str:
    """What a traceback says beyond the source code, which stands there whoever the people are."""
    error, said = (record.exc_info or (None, None))[1], []
    while error is not None:
        said += traceback.format_exception_only(error)
        error = error.__cause__ or error.__context__
    return "".join(f"\n{line}" for line in said)


def seen(*values: str) -> None:
    """These are secrets from now on."""
    shown.update(value for value in values if TOKEN.fullmatch(value))


def secrets_of_settings() -> list[str]:
    """What ops keeps to itself."""
    hooks = [*settings.BILLING_WEBHOOK_SECRETS, *settings.STRIPE_WEBHOOK_SECRETS]
    return [key for key in (settings.SECRET_KEY, settings.BILLING_API_KEY, settings.STRIPE_SECRET_KEY, *hooks) if key]


def leaks(lines: list[str]) -> list[str]:
    """The lines in which somebody or a secret stands."""
    marks = [*PEOPLE, PASSWORD, *secrets_of_settings()]
    return [line for line in lines if personal(line) or any(mark in line for mark in marks) or has_token(line)]


def personal(line: str) -> bool:
    """Whether an e-mail address stands there."""
    return any(not found.startswith(OUR_OWN) and not found.endswith(OUR_OWN) for found in EMAIL.findall(line))


def has_token(line: str) -> bool:
    """Whether a token stands there that was given to somebody."""
    return not shown.isdisjoint(TOKEN.findall(line))


@contextmanager
def collected() -> Iterator[Collector]:
    """All that is logged for the length of a `with` block."""
    collector, root = Collector(), logging.getLogger()
    root.addHandler(collector)
    try:
        yield collector
    finally:
        root.removeHandler(collector)

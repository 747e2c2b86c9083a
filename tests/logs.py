"""What a test and the processes that it starts log, searched for people and secrets: the test that logs one fails."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.test import Client

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
PEOPLE = ("Byron", "Lovelace", "High Street", "N1 1AA", "+44", "MK1 1MK", "Markedia", "198.51.100.7")
"""Names, addresses and telephone numbers of whoever the tests know; each e-mail address is one of somebody."""
MARK = re.compile(r"\bmark(ed)?-\w", re.IGNORECASE)
"""In every field of those who are erased (`test_erasing.py`, `test_erasing_visitors.py`) or whom others ask about."""
OUR_OWN = ("celery@", "noreply@", "@%h", "@localhost", "@faults")
"""What has an @ and is nobody's address."""
TOKEN = re.compile(r"[\w:.-]{20,}")
SECRETS = re.compile(
    r":[\w-]{43}(?![\w-])"  # what we signed: visits, browsers of staff, links in mails
    r"|\bff_[\w-]{43}(?![\w-])"  # an API token
    r"|\bwhsec_[A-Za-z0-9+/]{32}"  # a subscriber's or billing's
    r"|\b[A-Z2-7]{32}\b"  # the key of a second factor
    r"|(?<![\w-])[a-z2-9]{4}(-[a-z2-9]{4}){3}(?![\w-])"  # a recovery code
    r"|\$argon2"  # what is kept of a password
)
"""Known by how they look, whoever was given them."""
PASSWORDS = ("correct-horse-battery", "another-horse-91")
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


def watch() -> None:
    """What a browser of the tests is given is a secret from now on: its cookies."""
    request = Client.request

    def noted(self: Client, **asked: Any) -> Any:
        answer = request(self, **asked)
        seen(*(cookie.value for cookie in self.cookies.values()))
        return answer

    Client.request = noted  # type: ignore[method-assign] # for all of them, whoever made it


def secrets_of_settings() -> list[str]:
    """What ops keeps to itself."""
    hooks = [*settings.BILLING_WEBHOOK_SECRETS, *settings.STRIPE_WEBHOOK_SECRETS]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, settings.BILLING_API_KEY, settings.STRIPE_SECRET_KEY]
    return [key for key in (*keys, *hooks, *secrets_in_addresses()) if key]


def secrets_in_addresses() -> list[str]:
    """The passwords in the addresses of servers, and the key in that of Sentry."""
    names = ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "CACHE_URL", "QUEUES_URL")
    passwords = [urlsplit(getattr(settings, name)).password or "" for name in names]
    as_used = [unquote(password) for password in passwords]
    return [*passwords, *as_used, settings.EMAIL_HOST_PASSWORD, urlsplit(settings.SENTRY_DSN).username or ""]


def leaks(lines: list[str]) -> list[str]:
    """The lines in which somebody or a secret stands."""
    marks = [*PEOPLE, *PASSWORDS, *secrets_of_settings()]
    return [line for line in lines if personal(line) or any(mark in line for mark in marks) or has_token(line)]


def search(log: Path) -> None:
    """Nobody and no secret stands in what a process wrote down: for whoever ends it."""
    found = leaks(log.read_text(errors="replace").splitlines())
    assert not found, "\n".join(found)


def personal(line: str) -> bool:
    """Whether an e-mail address or somebody's mark stands there."""
    return MARK.search(line) is not None or any(
        not found.startswith(OUR_OWN) and not found.endswith(OUR_OWN) for found in EMAIL.findall(line)
    )


def has_token(line: str) -> bool:
    """Whether a token stands there that was given to somebody, or what looks like one of ours."""
    return SECRETS.search(line) is not None or not shown.isdisjoint(TOKEN.findall(line))


@contextmanager
def collected() -> Iterator[Collector]:
    """All that is logged for the length of a `with` block."""
    collector, root = Collector(), logging.getLogger()
    root.addHandler(collector)
    try:
        yield collector
    finally:
        root.removeHandler(collector)

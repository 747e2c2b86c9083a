"""One call of a subscriber: signed as Standard Webhooks prescribe, in a time of its own, no further than its answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from uuid import UUID

import httpcore2
import httpx2
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from core.errors import DomainError
from core.outward import InnerAddressError, check_url
from orders.outbox.spreading import instant

CONNECT_SECONDS = 3
LONGEST_SECONDS = 10
"""A call ends after this, even if the subscriber sends a byte now and then."""
KEPT_TEXT = 500
LONGEST_ANSWER = 64 * 1024
"""Bytes that are read of an answer, so that the connection serves again. Who says more is hung up on."""
LONGEST_WAIT = 60 * 60
TIMEOUTS = dict.fromkeys(("read", "write", "pool"), LONGEST_SECONDS) | {"connect": CONNECT_SECONDS}
SILENCES = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, TimeoutError, OSError)


@dataclass(frozen=True)
class Letter:
    """A delivery that is taken: all that the call needs. `turn` tells this taking of it from an earlier one."""

    delivery_id: int
    turn: int
    failures: int
    queued_at: datetime
    endpoint_id: int
    event_id: UUID
    topic: str
    created_at: datetime
    data: str
    """The payload as JSON."""
    url: str
    secrets: Sequence[str]


@dataclass(frozen=True)
class Said:
    """What came of a call. `status` is None when nothing was answered; `kind` then says why in a word."""

    status: int | None
    text: str
    milliseconds: int
    kind: str = "answered"
    wait_seconds: int = 0
    """How long the subscriber asked for patience (`Retry-After`), an hour at most."""

    @property
    def is_delivered(self) -> bool:
        """Whether the subscriber has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the subscriber wants no more of anything."""
        return self.status == 410


class SecretUnusableError(DomainError):
    """A secret that is none. Whoever typed it must rotate it."""

    message = _("The secret of this subscriber cannot sign: rotate it.")


def body_of(letter: Letter) -> bytes:
    """The body, the same each time it is sent."""
    head = json.dumps({"type": letter.topic, "timestamp": instant(letter.created_at)})
    return f'{head[:-1]}, "data": {letter.data}}}'.encode()


def headers_of(letter: Letter, body: bytes, *, now: datetime) -> dict[str, str]:
    """The headers; signed by each secret that is live."""
    webhook_id = str(letter.event_id)
    signatures = [signature(secret, webhook_id, body.decode(), now=now) for secret in letter.secrets]
    return {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": f"Footfall/{settings.VERSION}",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def signature(secret: str, webhook_id: str, body: str, *, now: datetime) -> str:
    """What proves that it is ours.

    Raises:
        SecretUnusableError
    """
    try:
        return Webhook(secret).sign(webhook_id, now.astimezone(UTC), body)
    except (EmptyWebhookSecretError, ValueError) as error:
        raise SecretUnusableError from error


@cache
def address_of(url: str) -> tuple[httpcore2.URL, str]:
    """An address as the connection pool takes it, and its `Host` header."""
    parts = httpx2.URL(url)
    host = httpcore2.URL(scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path)
    return host, parts.netloc.decode()


async def call(pool: httpcore2.AsyncConnectionPool, letter: Letter, *, now: datetime) -> Said:
    """Calls the subscriber. Whatever goes wrong is what it said."""
    began = time.monotonic()
    try:
        check_url(letter.url)
        async with asyncio.timeout(LONGEST_SECONDS):
            status, headers, text = await post(pool, letter, now=now)
    except InnerAddressError as error:
        return Said(None, str(error), spent(began), "inner_address")
    except DomainError as error:
        return Said(None, str(error), spent(began), "refused")
    except SILENCES as error:
        late = isinstance(error, TimeoutError | httpcore2.TimeoutException)
        return Said(None, described(error), spent(began), "timeout" if late else "network")
    return Said(status, text, spent(began), wait_seconds=patience(headers.get("retry-after", ""), now=now))


async def post(
    pool: httpcore2.AsyncConnectionPool, letter: Letter, *, now: datetime
) -> tuple[int, dict[str, str], str]:
    """Status, headers and the beginning of the answer. A redirect is an answer like any other."""
    body = body_of(letter)
    url, host = address_of(letter.url)
    headers = list(({"host": host} | headers_of(letter, body, now=now)).items())
    async with pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": TIMEOUTS}) as answer:
        read = b""
        async for part in answer.aiter_stream():
            read += part
            if len(read) > LONGEST_ANSWER:
                break
    told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    return answer.status, told, readable(read)


def readable(answer: bytes) -> str:
    """The beginning of an answer as text that can be stored and shown."""
    return answer[: KEPT_TEXT * 4].decode("utf-8", "replace").replace("\0", "")[:KEPT_TEXT]


def patience(text: str, *, now: datetime) -> int:
    """`Retry-After` in seconds, from a number or a date; 0 for none, or one that cannot be read."""
    if text.isascii() and text.strip().isdigit():
        return min(int(text[:12]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return max(0, min(int(seconds), LONGEST_WAIT))


def spent(began: float) -> int:
    """Milliseconds since then."""
    return int((time.monotonic() - began) * 1000)


def described(error: BaseException) -> str:
    """An error for the log of the delivery."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")[:KEPT_TEXT]

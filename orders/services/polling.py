"""The 5-second poll: every open attempt that is due, asked concurrently, settled one by one.

Webhooks may never come; money is found all the same.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F

from orders import billing
from orders.billing import PollError, Report
from orders.models import PaymentAttempt
from orders.services.ending import WATCHED_AFTER_END
from orders.services.settling import settle_attempt

log = logging.getLogger(__name__)
AT_ONCE = 100
MOST = 1000
LEASE = timedelta(seconds=30)
"""Longer than any call may take: a poller that died gives its attempts back after this."""
LONGEST_BACKOFF = timedelta(minutes=5)
UNKNOWN_LIMIT = 3
"""404 answers in a row after which a pay session is taken as timed out."""

CLAIM = """
UPDATE orders_paymentattempt SET next_poll_at = %(lease)s, poll_count = poll_count + 1
WHERE id IN (
    SELECT id FROM orders_paymentattempt WHERE next_poll_at <= %(now)s
    ORDER BY next_poll_at FOR UPDATE SKIP LOCKED LIMIT %(most)s
)
RETURNING id
"""


@dataclass
class PollResult:
    """What a round did."""

    checked: int = 0
    changed: int = 0
    errors: int = 0


def poll_billing(*, now: datetime) -> PollResult:
    """Asks billing about every attempt that is due, and settles what it learns."""
    result = PollResult()
    if not (settings.BILLING_URL and settings.BILLING_API_KEY):
        log.warning("billing is not configured: open payments are not asked about")
        return result
    attempts = claim(now=now)
    if not attempts:
        return result
    for attempt, answer in zip(attempts, asyncio.run(ask_all(attempts)), strict=True):
        result.checked += 1
        try:
            result.changed += learn(attempt, answer, now=now)
        except DatabaseError:
            log.exception("attempt %s could not be settled; it is asked about again", attempt.id)
            result.errors += 1
        result.errors += isinstance(answer, PollError)
    return result


def claim(*, now: datetime) -> list[PaymentAttempt]:
    """Takes the due attempts, so that no two workers ask about the same one."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "lease": now + LEASE, "most": MOST})
        ids = [row[0] for row in cursor.fetchall()]
    return list(PaymentAttempt.objects.filter(id__in=ids).select_related("order_session__order")) if ids else []


async def ask_all(attempts: Sequence[PaymentAttempt]) -> list[Report | PollError]:
    """Billing's answers in the order of the attempts; each has its own timeout and its own error."""
    gate = asyncio.Semaphore(AT_ONCE)
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)

    async def one(session: httpx2.AsyncClient, attempt: PaymentAttempt) -> Report | PollError:
        async with gate:
            try:
                return await billing.ask_async(session, attempt.billing_checkout_id)
            except PollError as error:
                return error

    async with httpx2.AsyncClient(timeout=billing.TIMEOUT, limits=limits) as session:
        return list(await asyncio.gather(*(one(session, attempt) for attempt in attempts)))


def learn(attempt: PaymentAttempt, answer: Report | PollError, *, now: datetime) -> bool:
    """Settles or reschedules one attempt; True if it was settled."""
    if isinstance(answer, PollError):
        back_off(attempt, str(answer), now=now)
        return False
    if answer.status == "unknown":
        attempt.unknown_count += 1
        if attempt.unknown_count < UNKNOWN_LIMIT:
            ask_again(attempt, now=now, unknown_count=attempt.unknown_count)
            return False
        answer = Report("timeout")
    if answer.status == "open":
        ask_again(attempt, now=now, unknown_count=0)
        return False
    settled = settle_attempt(
        billing_checkout_id=attempt.billing_checkout_id, report=answer, actor="poll_billing", now=now
    )
    if settled is not None and settled.next_poll_at is not None:
        ask_again(settled, now=now, unknown_count=0)
    return True


def ask_again(attempt: PaymentAttempt, *, now: datetime, unknown_count: int) -> None:
    """When to ask next; an attempt of a closed order once a minute, for a day, then never again."""
    closed_at = attempt.order_session.order.closed_at
    following: datetime | None = now + timedelta(seconds=settings.BILLING_POLL_SECONDS)
    if closed_at is not None:
        following = now + timedelta(minutes=1) if now < closed_at + WATCHED_AFTER_END else None
    PaymentAttempt.objects.filter(pk=attempt.pk, next_poll_at__isnull=False).update(
        next_poll_at=following, unknown_count=unknown_count, error_count=0, last_error=""
    )


def back_off(attempt: PaymentAttempt, error: str, *, now: datetime) -> None:
    """5 s doubling to 5 minutes, with jitter so that attempts do not come back in step."""
    pause = min(timedelta(seconds=5 * 2 ** min(attempt.error_count, 10)), LONGEST_BACKOFF)
    following = now + pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    PaymentAttempt.objects.filter(pk=attempt.pk, next_poll_at__isnull=False).update(
        next_poll_at=following, error_count=F("error_count") + 1, last_error=error[:300]
    )

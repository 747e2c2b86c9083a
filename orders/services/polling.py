"""The 5-second poll: every open attempt that is due, asked concurrently, settled one by one as the answers come.

Webhooks may never come; money is found all the same.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import F

from core import logs
from customers.models import User
from orders.models import Order, PaymentAttempt
from orders.providers import registry
from orders.providers.contract import KeyRefusedError, PollError, Report
from orders.services.asking import AT_ONCE, LOT, Round, Taken, answer_about, ask_about, believed
from orders.services.recording import record_note
from orders.services.settling import settle_attempt
from orders.services.transitions import WATCH_EVERY, WATCHED_AFTER_END

log = logging.getLogger(__name__)
MOST = 1000
"""Attempts of one round."""
ROUND_SECONDS = 15
"""A round takes nothing more up after this. What is left is the next tick's, which does not wait for this one."""
LEASE = timedelta(seconds=60)
"""Longer than an attempt is held (it waits for its turn, is asked for 10 s, is settled): a poller that died gives its
attempts back after this."""
KEY_REFUSED_PAUSE = timedelta(minutes=1)
LONGEST_BACKOFF = timedelta(minutes=5)
UNKNOWN_LIMIT = 3
"""404 answers in a row after which a pay session is taken as timed out."""

# An array, not IN (SELECT ...): that may be planned as a loop that runs the subquery again and takes more than LIMIT.
CLAIM = """
UPDATE orders_paymentattempt SET next_poll_at = %(lease)s, poll_count = poll_count + 1
WHERE id = ANY(ARRAY(
    SELECT id FROM orders_paymentattempt WHERE next_poll_at <= %(now)s
    ORDER BY next_poll_at FOR UPDATE SKIP LOCKED LIMIT %(most)s
))
RETURNING id
"""

CLAIM_OF_ORDER = """
UPDATE orders_paymentattempt SET next_poll_at = %(lease)s, poll_count = poll_count + 1
WHERE id = ANY(ARRAY(
    SELECT a.id FROM orders_paymentattempt a JOIN orders_ordersession s ON s.id = a.order_session_id
    WHERE s.order_id = %(order)s AND a.next_poll_at IS NOT NULL
    ORDER BY a.id FOR UPDATE OF a SKIP LOCKED
))
RETURNING id
"""
ACTOR = "poll_billing"


def poll_billing(*, now: datetime, most: int = MOST, seconds: float = ROUND_SECONDS) -> Round:
    """Asks billing about the attempts that are due, the longest waiting first, and settles what it learns.

    A round takes up `most` of them, and none after `seconds`. All that it does happens at `now`: what it puts off is
    due in a later one.
    """
    return poll(Claims(now, most, seconds).take, actor=ACTOR, now=now)


def check_payments(*, by: User, now: datetime) -> Round:
    """A round at the wish of a member of staff: no more than are asked at once, so billing's slowness is waited for
    once. It stands in the admin's log.
    """
    done = poll_billing(now=now, most=AT_ONCE)
    note_round(done, by=by)
    return done


def note_round(done: Round, *, by: User) -> None:
    """Writes into the admin's log who had billing asked, and what came of it."""
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(PaymentAttempt),
        object_repr="Open payments",
        action_flag=CHANGE,
        change_message=f"Billing asked over the API: {done.checked} checked, {done.changed} changed.",
    )


def poll_order(*, order_id: UUID, actor: str, now: datetime) -> Round:
    """Asks billing at once about one order's attempts that are still watched, whenever they are due."""
    once = (claim_of_order(order_id=one, now=now) for one in (order_id,))
    result = poll(lambda: next(once, []), actor=actor, now=now)
    record_note(Order(pk=order_id), "billing", "asked", actor=actor, reason="", now=now)
    return result


def poll(take: Callable[[], Taken], *, actor: str, now: datetime) -> Round:
    """Asks about what `take` gives. Never in a transaction: billing is waited for."""
    result = Round()
    if not registry.any_configured():
        log.warning("no payment provider is configured: open payments are not asked about")
        result.fail("not_configured")
        return result
    for attempt, answer in ask_about(answer_about, take):
        note(result, attempt, believed(attempt, answer), actor=actor, now=now)
    be_loud(result)
    return result


@dataclass
class Claims:
    """What a round may take up still."""

    now: datetime
    left: int
    seconds: float
    began: float = field(default_factory=time.monotonic)

    def take(self) -> list[PaymentAttempt]:
        """Some of the due attempts; none once the round has had its share."""
        spent = time.monotonic() - self.began
        if spent > self.seconds:
            return []
        taken = claim(now=self.now, most=min(LOT, self.left), lease=self.now + timedelta(seconds=spent) + LEASE)
        self.left -= len(taken)
        return taken


def claim(*, now: datetime, most: int, lease: datetime) -> list[PaymentAttempt]:
    """Takes due attempts until `lease`, so that no two workers ask about the same one."""
    return claimed(CLAIM, {"now": now, "lease": lease, "most": most})


def claim_of_order(*, order_id: UUID, now: datetime) -> list[PaymentAttempt]:
    """Takes the attempts of one order, due or not."""
    return claimed(CLAIM_OF_ORDER, {"order": order_id, "lease": now + LEASE})


def claimed(statement: str, values: dict[str, Any]) -> list[PaymentAttempt]:
    """The attempts that a claim took."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        ids = [row[0] for row in cursor.fetchall()]
    return list(PaymentAttempt.objects.filter(id__in=ids)) if ids else []


@logs.about()
def note(result: Round, attempt: PaymentAttempt, answer: Report | PollError, *, actor: str, now: datetime) -> None:
    """Settles one attempt and counts what became of it. One that cannot be settled does not spoil the others."""
    result.checked += 1
    try:
        changed = learn(attempt, answer, actor=actor, now=now)
    except DatabaseError:
        log.exception("attempt %s could not be settled; it is asked about again", attempt.id)
        result.fail("database")
        return
    result.changed += changed
    if isinstance(answer, PollError):
        result.fail(answer.kind)
    elif not changed and attempt.status == PaymentAttempt.Status.OPEN:
        result.still_open += 1


def be_loud(result: Round) -> None:
    """Says that billing refuses our key, once a minute."""
    refused = result.errors.get("key_refused", 0)
    if refused and cache.add("billing-key-refused", True, KEY_REFUSED_PAUSE.total_seconds()):
        log.error("billing refuses our key: %s payments cannot settle", refused)


def learn(attempt: PaymentAttempt, answer: Report | PollError, *, actor: str, now: datetime) -> bool:
    """Settles or reschedules one attempt; True if that changed it."""
    if isinstance(answer, KeyRefusedError):
        ask_later(attempt, str(answer), pause=KEY_REFUSED_PAUSE, now=now)
        return False
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
    settled = settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=answer, actor=actor, now=now)
    if settled is not None and settled.next_poll_at is not None:
        ask_again(settled, now=now, unknown_count=0)
    return settled is not None and settled.status != attempt.status


def ask_again(attempt: PaymentAttempt, *, now: datetime, unknown_count: int) -> None:
    """When to ask next."""
    following: datetime | None = now + timedelta(seconds=settings.BILLING_POLL_SECONDS)
    if attempt.resolved_at is not None:
        following = watch_again(attempt.resolved_at, now=now)
    PaymentAttempt.objects.filter(pk=attempt.pk, next_poll_at__isnull=False).update(
        next_poll_at=following, unknown_count=unknown_count, error_count=0, last_error=""
    )


def watch_again(resolved_at: datetime, *, now: datetime) -> datetime | None:
    """When to ask about an attempt that was over when its order closed: each minute at first, ever more seldom later,
    for a day, then never again.
    """
    end = resolved_at + WATCHED_AFTER_END
    return min(end, now + max(WATCH_EVERY, (now - resolved_at) / 10)) if now < end else None


def back_off(attempt: PaymentAttempt, error: str, *, now: datetime) -> None:
    """5 s doubling to 5 minutes, with jitter so that attempts do not come back in step."""
    pause = min(timedelta(seconds=5 * 2 ** min(attempt.error_count, 10)), LONGEST_BACKOFF)
    ask_later(attempt, error, pause=pause * random.uniform(0.8, 1.2), now=now)  # noqa: S311 - jitter


def ask_later(attempt: PaymentAttempt, error: str, *, pause: timedelta, now: datetime) -> None:
    """Counts an error and asks again after the pause."""
    PaymentAttempt.objects.filter(pk=attempt.pk, next_poll_at__isnull=False).update(
        next_poll_at=now + pause, error_count=F("error_count") + 1, last_error=error[:300]
    )

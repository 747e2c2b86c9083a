"""What came of calls, written down: many deliveries in one statement, with the log of each."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core import counts
from orders.models import WebhookDelivery, WebhookEndpoint
from orders.outbox.calling import Letter, Said
from orders.outbox.endpoints import disable

log = logging.getLogger(__name__)
COUNTED = "subscribers"
Status = WebhookDelivery.Status
PAUSES = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
"""After each failure; after one more it is dead. Together three days, as Standard Webhooks recommend."""
LIFE = timedelta(days=4)
"""What fails so long after it was queued is dead, too: a subscriber that was silent has not had all tries by then."""
GONE = "it answered 410: it wants no more"

# Locked in order first, so that no two wait for each other. `tries` tells this taking from a later one: whoever was
# slower than its lease has nothing to say any more.
RECORD = """
WITH said AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(turns)s::int[], %(statuses)s::text[], %(nexts)s::timestamptz[], %(failures)s::int[],
        %(codes)s::int[], %(milliseconds)s::int[], %(texts)s::text[]
    ) AS said (id, turn, status, next_try_at, failures, code, milliseconds, text)
), held AS (
    SELECT d.id FROM orders_webhookdelivery d JOIN said ON d.id = said.id AND d.tries = said.turn
    WHERE d.status = 'waiting' ORDER BY d.id FOR UPDATE OF d
), done AS (
    UPDATE orders_webhookdelivery d SET status = said.status, next_try_at = said.next_try_at,
        failures = said.failures, settled_at = CASE WHEN said.status <> 'waiting' THEN %(now)s END,
        last_error = CASE WHEN said.status = 'delivered' THEN ''
                          ELSE left(concat_ws(': ', 'HTTP ' || said.code, nullif(said.text, '')), 300) END
    FROM held JOIN said USING (id) WHERE d.id = held.id RETURNING d.id
)
INSERT INTO orders_webhooktry (delivery_id, at, status, milliseconds, text)
SELECT id, %(now)s, code, milliseconds, text FROM said JOIN done USING (id) ORDER BY id
"""


@dataclass(frozen=True)
class Outcome:
    """What becomes of a delivery."""

    letter: Letter
    said: Said
    status: Status
    next_try_at: datetime | None
    failures: int


def outcome_of(letter: Letter, said: Said, *, now: datetime) -> Outcome:
    """2xx is delivered, 410 wants no more; all else is tried again, later and later, and dead in the end."""
    if said.is_delivered:
        return Outcome(letter, said, Status.DELIVERED, None, 0)
    failures = letter.failures + 1
    if said.is_gone:
        return Outcome(letter, said, Status.DROPPED, None, failures)
    if failures > len(PAUSES) or now >= letter.queued_at + LIFE:
        return Outcome(letter, said, Status.DEAD, None, failures)
    pause = PAUSES[failures - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, so that they do not come in step
    later = now + max(pause, timedelta(seconds=said.wait_seconds))
    return Outcome(letter, said, Status.WAITING, later, failures)


def record(answers: Iterable[tuple[Letter, Said]], *, now: datetime) -> list[Outcome]:
    """Writes down what came of these calls."""
    outcomes = [outcome_of(letter, said, now=now) for letter, said in answers]
    with transaction.atomic():
        write(outcomes, now=now)
        note_silence(outcomes, now=now)
        for endpoint_id in {outcome.letter.endpoint_id for outcome in outcomes if outcome.said.is_gone}:
            disable(endpoint_id=endpoint_id, reason=GONE, now=now)
    tell(outcomes, now=now)
    return outcomes


def write(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """The deliveries and their log."""
    words: dict[str, Any] = {
        "ids": [outcome.letter.delivery_id for outcome in outcomes],
        "turns": [outcome.letter.turn for outcome in outcomes],
        "statuses": [outcome.status.value for outcome in outcomes],
        "nexts": [outcome.next_try_at for outcome in outcomes],
        "failures": [outcome.failures for outcome in outcomes],
        "codes": [outcome.said.status for outcome in outcomes],
        "milliseconds": [outcome.said.milliseconds for outcome in outcomes],
        "texts": [outcome.said.text for outcome in outcomes],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, words)


def note_silence(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Notes which subscribers have answered nothing, and which have answered again."""
    heard = {outcome.letter.endpoint_id for outcome in outcomes if outcome.said.status is not None}
    silent = {outcome.letter.endpoint_id for outcome in outcomes} - heard
    endpoints = WebhookEndpoint.objects.order_by()
    if heard:
        endpoints.filter(pk__in=heard, silent_since__isnull=False).update(silent_since=None)
    if silent:
        endpoints.filter(pk__in=silent, silent_since=None).update(silent_since=now)


def tell(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Counts what failed; says what is dead, by the subscriber's id: its address may hold a key."""
    dead: dict[int, int] = {}
    for outcome in outcomes:
        if outcome.status == Status.DEAD:
            dead[outcome.letter.endpoint_id] = dead.get(outcome.letter.endpoint_id, 0) + 1
        elif not outcome.said.is_delivered:
            text = f"subscriber {outcome.letter.endpoint_id} did not take an event: {reason_of(outcome.said)}"
            counts.note(log, COUNTED, kind_of(outcome.said), text, now=now)
    for endpoint_id, number in dead.items():
        counts.count(COUNTED, "dead", now=now)
        log.error("subscriber %s: %s deliveries are dead, it never took them", endpoint_id, number)


def kind_of(said: Said) -> str:
    """Why a call failed, in a word, for the counters."""
    if said.status is None:
        return said.kind
    return "gone" if said.is_gone else f"http_{said.status // 100}xx"


def reason_of(said: Said) -> str:
    """Why a call failed, for the log; what a stranger answered is not repeated there."""
    return said.kind if said.status is None else f"HTTP {said.status}"

"""Committed means delivered: the process that delivers is killed between commit and delivery, again and again.

No event is lost. Subscribers may hear of one more than once, always by the same id and in the same words, so that
nothing need happen twice; the stream has each once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from django.db.models import Max

from core import redis as core_redis
from core.clock import now
from orders.models import Order, OutboxEvent, WebhookDelivery, WebhookEndpoint
from orders.outbox.claiming import EACH
from orders.outbox.spreading import STREAM
from orders.services.recording import announce
from tests.factories import OrderFactory
from tests.orders.subscriber import Subscriber, endpoint_at, listening
from tests.promises.effects import TWO_MINUTES, every
from tests.promises.forks import Forks
from tests.promises.gates import Reached, rows_held, waiting
from tests.promises.processes import LONG, until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("PROMISE_KILLS", "200" if LONG else "20"))
AT_A_TIME = 10
"""Events that are committed before each death."""
ANSWER_SECONDS = 0.02


@contextmanager
def courier(how: str = "") -> Iterator[Forks]:
    """What delivers, for the length of a `with` block."""
    found = Forks("tests.promises.delivering", *how.split())
    try:
        yield found
    finally:
        found.close()


@contextmanager
def at_once() -> Iterator[Reached]:
    """It has just begun."""
    yield lambda: True


@contextmanager
def half_spread() -> Iterator[Reached]:
    """Its deliveries are being written: the subscriber's row is held by somebody else."""
    with rows_held(WebhookEndpoint.objects.all()) as waits:
        yield waits
        end_statements()


@contextmanager
def in_redis_alone() -> Iterator[Reached]:
    """Events are in the stream, and PostgreSQL does not know."""
    before = core_redis.client().xlen(STREAM)
    with rows_held(OutboxEvent.objects.filter(streamed_at=None)):
        yield lambda: core_redis.client().xlen(STREAM) >= before + AT_A_TIME
        end_statements()


def end_statements() -> None:
    """What the dead had asked of PostgreSQL is not done: they died a moment before they asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [waiting()])


def heard(subscriber: Subscriber, more: int) -> Callable[[], AbstractContextManager[Reached]]:
    """The subscriber has heard of some, and PostgreSQL does not know of all of them."""

    @contextmanager
    def gate() -> Iterator[Reached]:
        before = len(subscriber.calls)
        yield lambda: len(subscriber.calls) >= before + more

    return gate


def deaths(subscriber: Subscriber, how: str, kills: int) -> set[str]:
    """Commits events and kills whoever delivers them, so many times; then lets one live. The ids of the events."""
    order, dice = OrderFactory.create(paid=True), Random(8)
    with courier(how) as delivering:
        for number in range(kills):
            commit(order)
            moments = (at_once, half_spread, in_redis_alone, heard(subscriber, dice.randint(1, AT_A_TIME)))
            with moments[number % len(moments)]() as reached:
                delivering.begin()
                until(reached, f"the moment of death {number}")
                delivering.kill()
            let_leases_end()
        commit(order)
        delivering.begin()
        until(all_is_settled, "all is settled")
    return {str(key) for key in OutboxEvent.objects.values_list("pk", flat=True)}


def commit(order: Order) -> None:
    """Something happens."""
    with transaction.atomic():
        announce(OutboxEvent.Topic.PAID, [order] * AT_A_TIME, now=now())


def let_leases_end() -> None:
    """As if time had passed: two minutes at most to the next turn."""
    held = WebhookDelivery.objects.filter(status="waiting", next_try_at__gt=now())
    until_ = held.aggregate(until=Max("next_try_at"))["until"]
    assert until_ is None or until_ - now() + every("deliver_outbox") <= TWO_MINUTES
    held.update(next_try_at=now() - timedelta(seconds=1))


def all_is_settled() -> bool:
    """Whether nothing is on its way any more."""
    open_events = OutboxEvent.objects.filter(published_at=None) | OutboxEvent.objects.filter(streamed_at=None)
    return not open_events.exists() and not WebhookDelivery.objects.filter(status="waiting").exists()


def check(subscriber: Subscriber, made: set[str], kills: int) -> None:
    """Nothing is lost, nothing need happen twice."""
    known = subscriber.ids()
    assert made - known.keys() == set(), "events are lost"
    assert known.keys() <= made
    assert len({(call.id, call.body) for call in subscriber.calls}) == len(made), "one id, two meanings"
    assert sum(known.values()) <= len(made) + kills * EACH
    streamed = [fields[b"id"].decode() for _id, fields in core_redis.client().xrange(STREAM)]
    assert len(streamed) == len(set(streamed)), "the stream has an event twice"
    assert set(streamed) == made


def scenario(how: str = "", kills: int = KILLS) -> None:
    """The whole of it."""
    with listening() as subscriber:
        endpoint_at(subscriber.at("/hook", delay=ANSWER_SECONDS))
        check(subscriber, deaths(subscriber, how, kills), kills)


def test_whoever_delivers_may_die_between_commit_and_delivery() -> None:
    scenario()


def test_control_one_that_settles_before_it_sends_loses_events() -> None:
    with pytest.raises(AssertionError, match="events are lost"):
        scenario("settles before it sends", kills=12)


def test_control_one_that_streams_without_memory_tells_twice() -> None:
    with pytest.raises(AssertionError, match="the stream has an event twice"):
        scenario("streams without memory", kills=4)

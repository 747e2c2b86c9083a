"""Events on their way: to every subscriber of their topic and into the stream, once, whatever is away."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from core import redis as core_redis
from core.clock import now
from orders.models import OutboxEvent, WebhookDelivery, WebhookTry
from orders.outbox import Round, deliver_outbox, forget_deliveries, forget_endpoint, forget_events
from orders.outbox.spreading import BATCH, STREAM, spread, stream
from tests.orders.subscriber import Subscriber, delivery_to, endpoint_at, events
from tests.world import together

pytestmark = pytest.mark.django_db


def deliver(**how: Any) -> Round:
    return deliver_outbox(now=now(), **how)


def entries() -> list[dict[str, str]]:
    """What stands in the stream."""
    found = core_redis.client().xrange(STREAM)
    return [{name.decode(): value.decode() for name, value in entry.items()} for _id, entry in found]


def redis_is_away(away: bool = True) -> None:
    core_redis.breaker.closed_after = float("inf") if away else 0.0


def test_an_event_reaches_those_who_subscribe_to_its_topic(subscriber: Subscriber) -> None:
    for path, topics in {"/both": ("order.paid", "order.failed"), "/other": ("order.created",)}.items():
        endpoint_at(subscriber.at(path), *topics)
    (event,) = events()
    assert deliver() == Round(spread=1, streamed=1, delivered=1)
    (call,) = subscriber.calls
    assert (call.path, call.id, call.data["type"]) == ("/both", str(event.id), "order.paid")


def test_one_that_is_not_active_is_told_nothing(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"), is_active=False)
    events()
    deliver()
    assert (subscriber.calls, WebhookDelivery.objects.count()) == ([], 0)


def test_an_event_is_delivered_once(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    events(3)
    for _again in range(3):
        deliver()
    assert list(subscriber.ids().values()) == [1, 1, 1]


def test_a_round_takes_all_there_is(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    events(BATCH + 10)
    done = deliver()
    assert (done.spread, done.streamed, done.delivered) == (BATCH + 10,) * 3
    assert not OutboxEvent.objects.filter(published_at=None).exists()


def test_a_round_without_time_takes_up_nothing(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    events()
    assert deliver(seconds=-1) == Round()
    assert OutboxEvent.objects.get().published_at is None


def test_what_was_rolled_back_is_not_told(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    with transaction.atomic():
        events()
        transaction.set_rollback(True)
    assert deliver() == Round()


def test_the_stream_has_each_event_as_consumers_read_it() -> None:
    (event,) = events()
    deliver()
    (entry,) = entries()
    assert json.loads(entry.pop("data")) == event.payload
    assert entry == {
        "id": str(event.id),
        "type": "order.paid",
        "timestamp": f"{event.created_at:%Y-%m-%dT%H:%M:%S.%f}Z",
    }


def test_the_stream_is_in_the_order_of_events_and_bounded(settings: Any) -> None:
    settings.OUTBOX_STREAM_LIMIT = 100
    made = events(400)
    deliver()
    found = [entry["id"] for entry in entries()]
    assert found == [str(event.id) for event in made][-len(found) :]
    assert 100 <= len(found) < 300  # whole nodes are dropped, which is cheap


def test_one_that_died_before_postgresql_knew_adds_nothing_twice() -> None:
    events(2)
    stream(now=now())
    OutboxEvent.objects.update(streamed_at=None)
    assert deliver().streamed == 2
    assert len(entries()) == 2


def test_without_redis_subscribers_are_told_and_the_stream_hears_of_it_later(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    events()
    redis_is_away()
    assert deliver() == Round(spread=1, delivered=1)
    assert OutboxEvent.objects.get().streamed_at is None
    redis_is_away(False)
    assert deliver() == Round(streamed=1)
    assert len(entries()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_workers_at_once_spread_and_stream_each_event_once(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    made = events(BATCH * 2)
    assert sum(together(6, lambda _place: spread(now=now()) + spread(now=now()))) == len(made)
    together(6, lambda _place: (stream(now=now()), stream(now=now())))
    assert WebhookDelivery.objects.count() == len(made)
    assert sorted(entry["id"] for entry in entries()) == sorted(str(event.id) for event in made)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_a_stream_without_its_memory_has_events_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.outbox.spreading.ADD", "redis.call('XADD', KEYS[1], '*', 'id', ARGV[3]) return 1")
    events()
    together(6, lambda _place: stream(now=now()))
    OutboxEvent.objects.update(streamed_at=None)
    stream(now=now())
    assert len(entries()) > 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_workers_at_once_send_each_delivery_once(subscriber: Subscriber) -> None:
    endpoint_at(subscriber.at("/hook"))
    made = events(200)
    done = together(4, lambda _place: deliver())
    assert sum(each.delivered for each in done) == len(made)
    assert set(subscriber.ids().values()) == {1}
    assert WebhookTry.objects.count() == len(made)


# What is kept -------------------------------------------------------------------------------------------------------


def settled(ago: timedelta, **fields: Any) -> WebhookDelivery:
    """A delivery of so long ago, with a log."""
    at = now() - ago
    endpoint = endpoint_at("https://a.example/")
    done = {"status": "delivered", "next_try_at": None, "settled_at": at}
    delivery = delivery_to(endpoint, **{"created_at": at, "queued_at": at, **done, **fields})
    OutboxEvent.objects.filter(pk=delivery.event_id).update(created_at=at)
    WebhookTry.objects.create(delivery=delivery, at=at, status=200, milliseconds=1)
    return delivery


def forget(*, days: int = 30) -> int:
    before = now() - timedelta(days=days)
    return forget_deliveries(before) + forget_events(before)


def test_what_was_delivered_goes_with_its_log() -> None:
    settled(timedelta(days=30, seconds=1))
    young = settled(timedelta(days=29))
    assert forget() == 2
    assert list(WebhookDelivery.objects.all()) == [young]
    assert (OutboxEvent.objects.count(), WebhookTry.objects.count()) == (1, 1)


def test_an_event_that_is_not_in_the_stream_yet_stays() -> None:
    delivery = settled(timedelta(days=31))
    OutboxEvent.objects.filter(pk=delivery.event_id).update(streamed_at=None)
    forget()
    assert OutboxEvent.objects.count() == 1


def test_one_that_was_sent_again_lately_stays() -> None:
    delivery = settled(timedelta(days=31), queued_at=now())
    assert forget() == 0
    assert WebhookDelivery.objects.get() == delivery


def test_a_subscriber_goes_with_all_that_was_sent_to_it() -> None:
    delivery = settled(timedelta(days=1))
    forget_endpoint(delivery.endpoint)
    assert (WebhookDelivery.objects.count(), WebhookTry.objects.count(), OutboxEvent.objects.count()) == (0, 0, 1)

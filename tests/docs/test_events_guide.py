"""docs/events.md is true: each topic is written by its change with the fields that stand there, the examples work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import redis as core_redis
from core.clock import now
from orders.models import Order, OutboxEvent, PaymentAttempt
from orders.outbox import deliver_outbox, new_secret, rotate_secret, send_test
from orders.outbox.recording import PAUSES
from orders.outbox.spreading import STREAM
from orders.services import cancel_order, expire_due, send_refunds
from tests.billing_server import BillingService
from tests.orders.subscriber import Subscriber, endpoint_at, events, listening
from tests.world import Shopper, World, attempt_of, report, window_ends

pytestmark = pytest.mark.django_db
GUIDE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
BODIES = {
    name: json.loads(body) for name, body in re.findall(r"^### (\S+)\n.*?^```json\n(.*?)^```$", GUIDE, re.M | re.S)
}


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world, (world.mug, 2))


def pay(order: Order) -> None:
    report(attempt_of(order), "success")


def fail_one(order: Order, shopper: Shopper) -> None:
    """An attempt fails, and the shopper tries again."""
    open_attempt = PaymentAttempt.objects.get(order_session__order=order, status="open")
    report(open_attempt, "failure")
    assert shopper.retry(order).status_code == 200


def fail_all(order: Order, shopper: Shopper) -> None:
    for _retry in range(2):
        fail_one(order, shopper)
    report(PaymentAttempt.objects.get(order_session__order=order, status="open"), "failure")


def expire(order: Order) -> None:
    window_ends(order)
    expire_due(now=now())


def pay_twice(order: Order, shopper: Shopper) -> None:
    """What came second goes back."""
    fail_one(order, shopper)
    for number in (1, 2):
        report(attempt_of(order, number), "success")
    assert send_refunds(now=now() + timedelta(seconds=1)) == 1


CHANGES: dict[str, Callable[[Order, Shopper], object]] = {
    "order.created": lambda order, shopper: None,
    "order.paid": lambda order, shopper: pay(order),
    "payment.retry": fail_one,
    "order.failed": fail_all,
    "order.expired": lambda order, shopper: expire(order),
    "order.cancelled": lambda order, shopper: cancel_order(order_id=order.id, actor="customer", now=now()),
    "order.refunded": pay_twice,
}


def shape(value: Any) -> Any:
    """The names in it, and what kind of thing each is; null may stand for anything."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def compare(shown: Any, real: Any, where: str) -> None:
    """The same names, and the same kinds unless one is null."""
    if isinstance(shown, dict) and isinstance(real, dict):
        assert sorted(shown) == sorted(real), where
        for name, inner in shown.items():
            compare(inner, real[name], f"{where}.{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        compare(shown[0], real[0], f"{where}.0")
    else:
        assert "NoneType" in (shown, real) or shown == real, where


def test_every_topic_is_in_the_guide() -> None:
    assert sorted(BODIES) == sorted(OutboxEvent.Topic.values)
    assert sorted(BODIES) == sorted([*CHANGES, "webhook.test"])
    assert all(body["type"] == name for name, body in BODIES.items())


@pytest.mark.parametrize("topic", CHANGES)
def test_a_change_is_told_once_with_the_fields_of_the_guide(topic: str, order: Order, shopper: Shopper) -> None:
    CHANGES[topic](order, shopper)
    with listening() as subscriber:
        endpoint_at(subscriber.at("/hook"), topic)
        deliver_outbox(now=now())
    calls = [call for call in subscriber.calls if call.data["data"]["orderId"] == str(order.id)]
    assert len(calls) == 1
    compare(shape(BODIES[topic]), shape(calls[0].data), topic)
    assert calls[0].data["data"]["status"] == BODIES[topic]["data"]["status"]


def test_an_event_holds_nothing_of_the_customer(order: Order, shopper: Shopper) -> None:
    pay_twice(order, shopper)
    told = json.dumps(list(OutboxEvent.objects.values_list("payload", flat=True)))
    assert OutboxEvent.objects.count() >= 4
    assert [word for word in (shopper.email, "Ada", "Byron", "High Street", "N1 1AA") if word in told] == []


def test_what_is_not_a_change_is_not_told(order: Order) -> None:
    for _twice in range(2):
        pay(order)
    assert sorted(OutboxEvent.objects.values_list("topic", flat=True)) == ["order.created", "order.paid"]


def test_a_refund_is_told_once_however_often_it_is_noted(order: Order, shopper: Shopper) -> None:
    pay_twice(order, shopper)
    send_refunds(now=now() + timedelta(days=1))
    assert OutboxEvent.objects.filter(topic="order.refunded").count() == 1


def test_the_test_event_is_that_of_the_guide(subscriber: Subscriber) -> None:
    send_test(endpoint_id=endpoint_at(subscriber.at("/hook")).pk, now=now())
    deliver_outbox(now=now())
    assert subscriber.calls[0].data | {"timestamp": ""} == BODIES["webhook.test"] | {"timestamp": ""}


# The examples -------------------------------------------------------------------------------------------------------


def snippet(language: str) -> str:
    """The one snippet of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.M | re.S)
    return str(found)


def test_the_example_verifies_what_is_sent_and_nothing_else(subscriber: Subscriber) -> None:
    before, fresh = new_secret(), new_secret()
    endpoint = endpoint_at(subscriber.at("/hook"), secret=before)
    rotate_secret(endpoint_id=endpoint.pk, secret=fresh, now=now())
    events()
    deliver_outbox(now=now())
    (call,) = subscriber.calls
    names: dict[str, Any] = {}
    exec(snippet("python"), names)
    verify = names["is_from_the_shop"]
    assert verify(fresh, call.headers, call.body)
    assert verify(before, call.headers, call.body)
    assert not verify(new_secret(), call.headers, call.body)
    assert not verify(fresh, call.headers, call.body + b" ")
    assert not verify(fresh, call.headers | {"webhook-timestamp": "1700000000"}, call.body)


def test_the_stream_is_read_as_the_example_says() -> None:
    (event,) = events()
    deliver_outbox(now=now())
    create, read, acknowledge, take_over = (line.split() for line in snippet("redis").strip().splitlines())
    client = core_redis.client()
    client.execute_command(*create)
    answer = client.execute_command(*read)
    ((_name, ((entry_id, fields),)),) = answer.items() if isinstance(answer, dict) else answer
    assert fields[b"id"].decode() == str(event.id)
    assert client.execute_command(*acknowledge[:-1], entry_id) == 1
    assert client.execute_command(*take_over)[1] == []
    assert all(STREAM in words for words in (create, read, acknowledge, take_over))


def test_the_guide_tells_the_schedule() -> None:
    assert "5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in GUIDE
    assert [int(pause.total_seconds()) for pause in PAUSES[:3]] == [5, 300, 1800]
    assert [int(pause.total_seconds() / 3600) for pause in PAUSES[3:]] == [2, 5, 10, 14, 20, 24]

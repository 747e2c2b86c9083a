"""What staff decide: rotate a secret, pause and enable, test, send again; and the dead by command."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.clock import now
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from orders.outbox import (
    NotActiveError,
    NotASecretError,
    check_secret,
    deliver_outbox,
    disable,
    enable,
    new_secret,
    pause,
    replay_dead,
    rotate_secret,
    send_again,
    send_events_again,
    send_test,
)
from orders.outbox.claiming import LEASE, Hand
from tests.orders.subscriber import Subscriber, delivery_to, endpoint_at, events

pytestmark = pytest.mark.django_db
DONE: dict[str, Any] = {"next_try_at": None, "settled_at": now()}


@pytest.fixture
def endpoint(subscriber: Subscriber) -> WebhookEndpoint:
    return endpoint_at(subscriber.at("/hook"))


def run(command: str, *words: str) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command(command, *words, stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def secret_of(number: int) -> str:
    """A secret of so many bytes."""
    return "whsec_" + base64.b64encode(b"x" * number).decode()


# Secrets ------------------------------------------------------------------------------------------------------------


def test_a_new_secret_can_sign_and_is_another_each_time() -> None:
    check_secret(new_secret())
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_abc", "whsec_!!!!", secret_of(23), secret_of(65), secret_of(32)[6:]]
)
def test_what_cannot_sign_or_can_be_guessed_is_no_secret(text: str) -> None:
    with pytest.raises(NotASecretError):
        check_secret(text)


def test_a_rotated_secret_leaves_the_one_before_for_a_day(endpoint: WebhookEndpoint) -> None:
    at, fresh = now(), new_secret()
    rotated = rotate_secret(endpoint_id=endpoint.pk, secret=fresh, now=at)
    assert rotated.live_secrets(at + timedelta(hours=23, minutes=59)) == [fresh, endpoint.secret]
    assert rotated.live_secrets(at + timedelta(hours=24)) == [fresh]


def test_rotating_twice_with_the_same_secret_keeps_the_one_before(endpoint: WebhookEndpoint) -> None:
    fresh = new_secret()
    for _again in range(2):
        rotated = rotate_secret(endpoint_id=endpoint.pk, secret=fresh, now=now())
    assert rotated.previous_secret == endpoint.secret


# On and off ---------------------------------------------------------------------------------------------------------


def test_a_disabled_one_loses_what_waits_and_says_why(endpoint: WebhookEndpoint) -> None:
    delivery = delivery_to(endpoint)
    disable(endpoint_id=endpoint.pk, reason="nobody there", now=now())
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == ("dropped", "nobody there")


def test_a_paused_one_keeps_what_waits_and_hears_of_it_when_it_is_enabled(
    endpoint: WebhookEndpoint, subscriber: Subscriber
) -> None:
    delivery = delivery_to(endpoint)
    pause(endpoint_id=endpoint.pk)
    events()
    deliver_outbox(now=now())
    assert subscriber.calls == []
    enable(endpoint_id=endpoint.pk)
    deliver_outbox(now=now())
    assert [call.id for call in subscriber.calls] == [str(delivery.event_id)]


def test_an_enabled_one_has_no_reason_and_no_silence(endpoint: WebhookEndpoint) -> None:
    disable(endpoint_id=endpoint.pk, reason="gone", now=now())
    WebhookEndpoint.objects.update(silent_since=now())
    found = enable(endpoint_id=endpoint.pk)
    assert (found.is_active, found.disabled_reason, found.silent_since) == (True, "", None)


def test_a_test_event_goes_to_one_subscriber_alone_and_not_to_the_stream(
    endpoint: WebhookEndpoint, subscriber: Subscriber
) -> None:
    endpoint_at(subscriber.at("/other"))
    send_test(endpoint_id=endpoint.pk, now=now())
    assert deliver_outbox(now=now()).streamed == 0
    (call,) = subscriber.calls
    assert (call.path, call.verify(endpoint.secret)["type"]) == ("/hook", "webhook.test")


def test_one_that_is_off_is_not_tested(endpoint: WebhookEndpoint) -> None:
    pause(endpoint_id=endpoint.pk)
    with pytest.raises(NotActiveError):
        send_test(endpoint_id=endpoint.pk, now=now())


# Again --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["delivered", "dead", "dropped"])
def test_a_settled_delivery_is_sent_again_by_the_same_id(
    endpoint: WebhookEndpoint, subscriber: Subscriber, status: str
) -> None:
    delivery = delivery_to(endpoint, status=status, failures=10, **DONE)
    assert send_again(delivery_ids=[delivery.pk], now=now()) == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.failures) == ("waiting", 0)
    deliver_outbox(now=now())
    assert subscriber.ids() == {str(delivery.event_id): 1}


def test_one_that_waits_for_a_later_try_is_sent_now(endpoint: WebhookEndpoint) -> None:
    delivery = delivery_to(endpoint, next_try_at=now() + timedelta(hours=10))
    assert send_again(delivery_ids=[delivery.pk], now=now()) == 1
    assert deliver_outbox(now=now()).delivered == 1


def test_one_that_is_under_way_is_left_alone(endpoint: WebhookEndpoint) -> None:
    delivery = delivery_to(endpoint)
    Hand().take(now=now())
    assert send_again(delivery_ids=[delivery.pk], now=now()) == 0
    assert send_again(delivery_ids=[delivery.pk], now=now() - LEASE) == 1


def test_nothing_is_sent_again_to_one_that_is_off(endpoint: WebhookEndpoint) -> None:
    delivery = delivery_to(endpoint, status="dropped", **DONE)
    pause(endpoint_id=endpoint.pk)
    assert send_again(delivery_ids=[delivery.pk], now=now()) == 0


def test_an_event_is_sent_again_to_all_who_subscribe_now(endpoint: WebhookEndpoint, subscriber: Subscriber) -> None:
    delivery = delivery_to(endpoint, status="delivered", **DONE)
    endpoint_at(subscriber.at("/later"))
    endpoint_at(subscriber.at("/other"), "order.failed")
    assert send_events_again(event_ids=[delivery.event_id], now=now()) == 2
    deliver_outbox(now=now())
    assert sorted(call.path for call in subscriber.calls) == ["/hook", "/later"]


def test_an_event_that_is_not_on_its_way_yet_goes_once(endpoint: WebhookEndpoint, subscriber: Subscriber) -> None:
    (event,) = events()
    assert send_events_again(event_ids=[event.pk], now=now()) == 0
    deliver_outbox(now=now())
    assert subscriber.ids() == {str(event.pk): 1}


# By command ---------------------------------------------------------------------------------------------------------


def dead(endpoint: WebhookEndpoint) -> WebhookDelivery:
    return delivery_to(endpoint, status="dead", tries=10, failures=10, last_error="HTTP 500: \x1b[2Jno", **DONE)


def test_the_dead_are_listed(endpoint: WebhookEndpoint) -> None:
    delivery = dead(endpoint)
    listed = json.loads(run("dead_letters", "--json"))["webhooks"]
    assert (listed["total"], listed["letters"][0]["eventId"]) == (1, str(delivery.event_id))
    shown = run("dead_letters")
    assert "1 dead webhook deliveries" in shown
    assert "\x1b" not in shown
    assert endpoint.url not in shown


def test_the_dead_are_replayed_and_delivered(endpoint: WebhookEndpoint, subscriber: Subscriber) -> None:
    dead(endpoint)
    told = json.loads(run("dead_letters", "--replay", "--json"))
    assert told["webhooks"] == {"queued": 1, "remaining": 0}
    deliver_outbox(now=now())
    assert len(subscriber.calls) == 1


def test_a_replay_may_be_limited_to_the_oldest(endpoint: WebhookEndpoint) -> None:
    first, _second = dead(endpoint), dead(endpoint)
    assert replay_dead(limit=1, now=now()) == 1
    assert WebhookDelivery.objects.get(status="waiting") == first


def test_a_round_by_hand_tells_what_it_did(endpoint: WebhookEndpoint) -> None:
    events(2)
    told = json.loads(run("deliver_outbox", "--json"))
    assert told == {"spread": 2, "streamed": 2, "delivered": 2, "dead": 0, "errors": {}}


def test_a_round_by_hand_fails_when_a_subscriber_did_not_take_it(subscriber: Subscriber) -> None:
    delivery_to(endpoint_at(subscriber.at("/hook", status=500)))
    with pytest.raises(CommandError, match="1 errors: http_5xx") as caught:
        run("deliver_outbox")
    assert caught.value.returncode == 1


def test_a_round_by_hand_is_readable() -> None:
    assert "Streamed" in run("deliver_outbox")
    assert OutboxEvent.objects.count() == 0

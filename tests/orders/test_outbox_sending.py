"""Deliveries as they are sent: signed, claimed with a lease, tried again for three days, with a log of each try."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from standardwebhooks.webhooks import WebhookVerificationError

from core import counts
from core.clock import now
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookTry
from orders.outbox import deliver_outbox, new_secret
from orders.outbox.calling import KEPT_TEXT, LONGEST_WAIT, Letter, Said, patience
from orders.outbox.claiming import EACH, LEASE, SILENT_EACH, Hand
from orders.outbox.recording import LIFE, PAUSES, outcome_of, record
from tests.orders.subscriber import Subscriber, delivery_to, endpoint_at, events

pytestmark = pytest.mark.django_db
TWO_MINUTES = timedelta(minutes=2)


def deliver(**how: Any) -> dict[str, int]:
    """A round; its errors by kind."""
    return deliver_outbox(**{"now": now()} | how).errors


def told(url: str, **fields: Any) -> WebhookDelivery:
    """What became of one delivery to this address."""
    delivery = delivery_to(endpoint_at(url), **fields)
    deliver()
    delivery.refresh_from_db()
    return delivery


# What is sent -------------------------------------------------------------------------------------------------------


def test_an_event_is_sent_as_standard_webhooks_prescribe(subscriber: Subscriber) -> None:
    endpoint = endpoint_at(subscriber.at("/hook"))
    (event,) = events()
    deliver()
    (call,) = subscriber.calls
    assert call.verify(endpoint.secret) == {
        "type": "order.paid",
        "timestamp": f"{event.created_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "data": event.payload,
    }
    assert (call.id, call.headers["content-type"]) == (str(event.id), "application/json")
    assert abs(int(call.headers["webhook-timestamp"]) - now().timestamp()) < 60


def test_names_in_any_language_are_sent_as_they_are(subscriber: Subscriber) -> None:
    endpoint = endpoint_at(subscriber.at("/hook"))
    OutboxEvent.objects.create(topic="order.paid", payload={"items": [{"name": "Cà phê ☕"}]})
    deliver()
    (call,) = subscriber.calls
    assert call.verify(endpoint.secret)["data"]["items"][0]["name"] == "Cà phê ☕"


def test_the_secret_before_signs_as_well_until_its_time(subscriber: Subscriber) -> None:
    before, until = new_secret(), now() + timedelta(hours=1)
    endpoint = endpoint_at(subscriber.at("/hook"), previous_secret=before, previous_secret_until=until)
    delivery_to(endpoint)
    deliver()
    (call,) = subscriber.calls
    assert call.verify(endpoint.secret) == call.verify(before)
    assert len(call.headers["webhook-signature"].split(" ")) == 2


def test_the_secret_before_does_not_sign_after_its_time(subscriber: Subscriber) -> None:
    before = new_secret()
    delivery_to(endpoint_at(subscriber.at("/hook"), previous_secret=before, previous_secret_until=now()))
    deliver()
    with pytest.raises(WebhookVerificationError):
        subscriber.calls[0].verify(before)


@pytest.mark.parametrize("secret", ["whsec_a", "", "no base64 at all", "whsec_"])
def test_a_secret_that_cannot_sign_is_said_and_holds_up_nobody(subscriber: Subscriber, secret: str) -> None:
    delivery_to(endpoint_at(subscriber.at("/hook"), secret=secret))
    assert deliver() == {"refused": 1}
    assert "rotate it" in WebhookTry.objects.get().text


# What comes of it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(subscriber: Subscriber, status: int) -> None:
    delivery = told(subscriber.at("/hook", status=status, body=b""))
    assert (delivery.status, delivery.next_try_at, delivery.tries) == ("delivered", None, 1)


@pytest.mark.parametrize("status", [300, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_all_else_is_tried_again(subscriber: Subscriber, status: int) -> None:
    before = now()
    delivery = told(subscriber.at("/hook", status=status, headers={"location": subscriber.url + "/elsewhere"}))
    assert (delivery.status, delivery.failures) == ("waiting", 1)
    assert delivery.next_try_at is not None
    assert timedelta(seconds=4) < delivery.next_try_at - before < timedelta(seconds=30)
    assert subscriber.ids("/elsewhere") == {}


def test_410_disables_the_subscriber_and_drops_what_waits(subscriber: Subscriber, caplog: Any) -> None:
    endpoint = endpoint_at(subscriber.at("/hook", status=410))
    waiting = delivery_to(endpoint, next_try_at=now() + timedelta(hours=1))
    delivery_to(endpoint)
    assert deliver() == {"gone": 1}
    waiting.refresh_from_db()
    endpoint.refresh_from_db()
    assert (waiting.status, endpoint.is_active, endpoint.disabled_reason) == (
        "dropped",
        False,
        "it answered 410: it wants no more",
    )
    assert f"subscriber {endpoint.pk} is told nothing more" in caplog.text


def test_the_log_keeps_each_try(subscriber: Subscriber) -> None:
    path = subscriber.at("/hook", status=500, body=b"a" * 2000)
    delivery = told(path)
    subscriber.at("/hook")
    WebhookDelivery.objects.update(next_try_at=now())
    deliver()
    first, second = delivery.log.all()
    assert (first.status, first.text, second.status, second.text) == (500, "a" * KEPT_TEXT, 200, "ok")
    assert first.milliseconds < 10_000


@pytest.mark.parametrize("body", [b"\x00\xff\xfe" * 300, b"\xed\xa0\x80", "☕".encode() * 600])
def test_an_answer_that_is_no_text_is_kept_as_far_as_it_can_be(subscriber: Subscriber, body: bytes) -> None:
    told(subscriber.at("/hook", status=500, body=body))
    assert 0 < len(WebhookTry.objects.get().text) <= KEPT_TEXT


def test_an_answer_without_end_is_not_read_to_its_end(subscriber: Subscriber) -> None:
    delivery = told(subscriber.at("/hook", body=b"x" * 5_000_000))
    assert delivery.status == "delivered"


def test_one_who_hangs_up_or_is_not_there_has_answered_nothing(subscriber: Subscriber) -> None:
    delivery_to(endpoint_at(subscriber.at("/hook", hangs_up=True)))
    delivery_to(endpoint_at("http://127.0.0.1:1/"))
    assert deliver() == {"network": 2}
    assert set(WebhookTry.objects.values_list("status", flat=True)) == {None}


def test_one_who_takes_too_long_has_answered_nothing(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.outbox.calling.LONGEST_SECONDS", 0.2)
    delivery_to(endpoint_at(subscriber.at("/hook", delay=1)))
    assert deliver() == {"timeout": 1}


def test_an_inner_address_that_is_typed_is_not_called(subscriber: Subscriber, settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    delivery_to(endpoint_at(subscriber.at("/hook")))
    assert deliver() == {"refused": 1}
    assert "own network" in WebhookTry.objects.get().text
    assert subscriber.calls == []


def test_an_inner_address_that_is_meant_by_a_name_is_not_called(
    subscriber: Subscriber, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    port = urlsplit(subscriber.url).port
    inner = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    delivery_to(endpoint_at(f"http://hooks.example.com:{port}/hook"))
    monkeypatch.setattr(socket, "getaddrinfo", meaning("hooks.example.com", inner))
    assert deliver() == {"inner_address": 1}
    assert "hooks.example.com is 127.0.0.1" in WebhookTry.objects.get().text
    assert subscriber.calls == []


def meaning(name: str, addresses: Any) -> Any:
    """A name server to whom this name means these addresses; all others are as they were."""
    real = socket.getaddrinfo

    def answer(host: Any, *args: Any, **kwargs: Any) -> Any:
        return addresses if host == name and "flags" not in kwargs else real(host, *args, **kwargs)

    return answer


def test_plain_http_is_not_called_in_production(subscriber: Subscriber, settings: LazySettings) -> None:
    settings.DEVELOPMENT = False
    delivery_to(endpoint_at(subscriber.at("/hook")))
    assert deliver() == {"refused": 1}
    assert subscriber.calls == []


def test_failures_are_counted_by_kind(subscriber: Subscriber) -> None:
    told(subscriber.at("/hook", status=503))
    assert counts.counts("subscribers", now=now()) == {f"{now():%Y-%m-%d}": {"http_5xx": 1}}


def test_a_log_line_holds_neither_the_address_nor_the_secret(subscriber: Subscriber, caplog: Any) -> None:
    endpoint = endpoint_at(subscriber.at("/hook?key=hidden", status=500))
    delivery_to(endpoint)
    with caplog.at_level(logging.DEBUG):
        deliver()
    assert f"subscriber {endpoint.pk} did not take an event: HTTP 500" in caplog.text
    ours = " ".join(record.getMessage() for record in caplog.records if record.name.startswith(("orders", "core")))
    assert "hidden" not in ours
    assert endpoint.secret not in caplog.text


# The schedule -------------------------------------------------------------------------------------------------------


def letter(**fields: Any) -> Letter:
    values: dict[str, Any] = {
        "delivery_id": 1, "turn": 1, "failures": 0, "queued_at": now(), "endpoint_id": 1, "event_id": None,
        "topic": "order.paid", "created_at": now(), "data": "{}", "url": "https://a.example/", "secrets": [],
    }  # fmt: skip
    return Letter(**values | fields)


def after(failures: int, **said: Any) -> Any:
    """What becomes of a delivery that fails now, after so many failures."""
    answer = replace(Said(500, "", 1), **said)
    return outcome_of(letter(failures=failures), answer, now=now())


def test_the_schedule_is_that_of_standard_webhooks_and_takes_three_days() -> None:
    hours = [round(pause.total_seconds() / 3600, 3) for pause in PAUSES]
    assert hours == [0.001, 0.083, 0.5, 2, 5, 10, 14, 20, 24]
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < LIFE


@pytest.mark.parametrize("failures", range(len(PAUSES)))
def test_each_failure_is_followed_by_its_pause_more_or_less(failures: int) -> None:
    pauses = {after(failures).next_try_at - now() for _each in range(20)}
    assert all(PAUSES[failures] * 0.89 < pause < PAUSES[failures] * 1.11 for pause in pauses)
    assert len(pauses) > 1


def test_after_the_last_try_it_is_dead() -> None:
    assert after(len(PAUSES) - 1).status == "waiting"
    assert after(len(PAUSES)).status == "dead"


def test_what_fails_after_four_days_is_dead_however_often_it_was_tried() -> None:
    old = letter(queued_at=now() - LIFE)
    assert outcome_of(old, Said(None, "", 1, "timeout"), now=now()).status == "dead"
    assert outcome_of(old, Said(200, "", 1), now=now()).status == "delivered"


def test_a_dead_one_is_seen_counted_and_in_the_log(subscriber: Subscriber, caplog: Any) -> None:
    delivery = told(subscriber.at("/hook", status=500), failures=len(PAUSES))
    assert (delivery.status, delivery.last_error) == ("dead", "HTTP 500: ok")
    assert counts.counts("subscribers", now=now())[f"{now():%Y-%m-%d}"]["dead"] == 1
    assert f"subscriber {delivery.endpoint_id}: 1 deliveries are dead" in caplog.text


def test_ten_tries_in_three_days_and_then_no_more(subscriber: Subscriber) -> None:
    delivery = delivery_to(endpoint_at(subscriber.at("/hook", status=500)))
    with time_machine.travel(now(), tick=False) as clock:
        begin = now()
        while delivery.next_try_at is not None:
            clock.move_to(max(now(), delivery.next_try_at))
            deliver()
            delivery.refresh_from_db()
        assert timedelta(days=2.7) < now() - begin < timedelta(days=3.6)
    assert (len(subscriber.calls), delivery.status, delivery.log.count()) == (10, "dead", 10)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("7200", LONGEST_WAIT), ("9" * 500, LONGEST_WAIT), ("-5", 0), ("soon", 0), ("", 0), ("²", 0)],
)
def test_retry_after_is_read_up_to_an_hour(text: str, seconds: int) -> None:
    assert patience(text, now=now()) == seconds


def test_retry_after_may_be_a_date() -> None:
    at = now().replace(microsecond=0)
    assert patience(format_datetime(at + timedelta(minutes=2), usegmt=True), now=at) == 120
    assert patience(format_datetime(at - timedelta(days=2), usegmt=True), now=at) == 0


def test_retry_after_is_honoured(subscriber: Subscriber) -> None:
    before = now()
    delivery = told(subscriber.at("/hook", status=429, headers={"retry-after": "900"}))
    assert delivery.next_try_at is not None
    assert delivery.next_try_at - before >= timedelta(seconds=900)


# Claims -------------------------------------------------------------------------------------------------------------


def test_what_is_taken_is_not_taken_again_before_its_lease_ends() -> None:
    delivery_to(endpoint_at("https://a.example/"))
    at = now()
    assert len(Hand().take(now=at)) == 1
    assert Hand().take(now=at + LEASE - timedelta(seconds=1)) == []
    assert len(Hand().take(now=at + LEASE)) == 1
    assert LEASE <= TWO_MINUTES


def test_one_that_comes_back_too_late_has_nothing_to_say() -> None:
    delivery = delivery_to(endpoint_at("https://a.example/"))
    (slow,) = Hand().take(now=now())
    (quick,) = Hand().take(now=now() + LEASE)
    record([(quick, Said(200, "", 1))], now=now())
    record([(slow, Said(500, "", 1))], now=now())
    delivery.refresh_from_db()
    assert (delivery.status, delivery.log.count()) == ("delivered", 1)


def test_each_subscriber_has_its_share() -> None:
    busy, calm = endpoint_at("https://a.example/"), endpoint_at("https://b.example/")
    for _each in range(EACH * 3):
        delivery_to(busy, next_try_at=now() - timedelta(hours=1))
    delivery_to(calm)
    hand = Hand()
    taken = [letter.endpoint_id for letter in hand.take(now=now())]
    assert (taken.count(busy.pk), taken.count(calm.pk)) == (EACH, 1)
    assert hand.take(now=now()) == []  # there is more, but no room for it


def test_of_more_subscribers_than_there_is_room_for_chance_picks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.outbox.claiming.AT_ONCE", 3)
    for place in range(10):
        delivery_to(endpoint_at(f"https://{place}.example/"))
    assert len({letter.endpoint_id for letter in Hand().take(now=now())}) == 3


def test_a_subscriber_that_is_off_keeps_what_waits(subscriber: Subscriber) -> None:
    delivery = told(subscriber.at("/hook"))
    WebhookEndpoint.objects.update(is_active=False)
    waiting = delivery_to(delivery.endpoint)
    assert deliver() == {}
    waiting.refresh_from_db()
    assert (waiting.status, waiting.tries) == ("waiting", 0)


def test_one_that_answers_nothing_is_asked_little_until_it_answers(subscriber: Subscriber) -> None:
    endpoint = endpoint_at(subscriber.at("/hook", hangs_up=True))
    delivery_to(endpoint)
    deliver()
    endpoint.refresh_from_db()
    assert endpoint.silent_since is not None
    for _each in range(10):
        delivery_to(endpoint)
    assert len(Hand().take(now=now())) == SILENT_EACH
    assert Hand().take(now=now(), patient=False) == []
    WebhookDelivery.objects.filter(status="waiting").update(next_try_at=now())
    subscriber.at("/hook", status=500)
    deliver()
    endpoint.refresh_from_db()
    assert endpoint.silent_since is None


def test_a_slow_subscriber_holds_up_nobody(subscriber: Subscriber) -> None:
    """The others have heard of all there is before the slow one has answered once."""
    slow, quick = endpoint_at(subscriber.at("/slow", delay=2)), endpoint_at(subscriber.at("/quick"))
    for _each in range(60):
        delivery_to(slow, next_try_at=now() - timedelta(hours=1))
        delivery_to(quick)
    deliver(seconds=1)
    heard = [call.path for call in subscriber.calls]
    assert heard.count("/quick") == 60
    assert subscriber.most_at_once["/slow"] <= EACH


def test_a_round_takes_three_statements_however_many_are_sent() -> None:
    """One finds the subscribers, one takes their deliveries, one writes down what came of them."""
    endpoint = endpoint_at("https://a.example/")
    for number in (1, 20):
        for _each in range(number):
            delivery_to(endpoint)
        with CaptureQueriesContext(connection) as captured:
            taken = Hand().take(now=now())
        assert (len(taken), len(captured)) == (number, 2)
        with CaptureQueriesContext(connection) as captured:
            record([(letter, Said(200, "", 1)) for letter in taken], now=now())
        own = [query for query in captured if "SAVEPOINT" not in query["sql"]]
        assert len(own) == 2  # and whether anybody was silent before


# What the database holds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [{"next_try_at": None}, {"status": "delivered"}, {"status": "dead", "next_try_at": None}, {"settled_at": now()}],
)
def test_a_delivery_waits_or_is_settled(fields: dict[str, Any]) -> None:
    endpoint = endpoint_at("https://a.example/")
    with pytest.raises(IntegrityError, match="waiting_has_its_time"), transaction.atomic():
        delivery_to(endpoint, **fields)


def test_a_subscriber_has_one_delivery_of_an_event() -> None:
    delivery = delivery_to(endpoint_at("https://a.example/"))
    with pytest.raises(IntegrityError, match="once_a_subscriber"), transaction.atomic():
        delivery_to(delivery.endpoint, event=delivery.event)


@pytest.mark.parametrize(
    "fields", [{"previous_secret": "x"}, {"previous_secret_until": datetime(2030, 1, 1).astimezone()}]
)
def test_a_secret_before_has_its_end(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="previous_secret_ends"), transaction.atomic():
        endpoint_at("https://a.example/", **fields)


def test_one_that_is_told_has_no_reason_not_to_be() -> None:
    with pytest.raises(IntegrityError, match="active_has_no_reason"), transaction.atomic():
        endpoint_at("https://a.example/", disabled_reason="it answered 410")

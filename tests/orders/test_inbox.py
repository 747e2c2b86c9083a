"""The inbox: each webhook is stored before it is handled, handled once, and kept for 30 days."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection
from django.test import Client

from core import counts
from core import redis as core_redis
from core.clock import now
from orders import inbox
from orders.models import Order, OrderSession, PaymentAttempt, WebhookReceipt
from tests.billing_server import BillingService
from tests.database import force_status
from tests.factories import PaymentAttemptFactory
from tests.world import Shopper, World, attempt_of, check_books, secret_of, signed, together, webhook_body

pytestmark = pytest.mark.django_db

SECRET = secret_of("first")
BREAK = """
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON orders_paymentattempt FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
"""
MEND = "DROP TRIGGER refuse ON orders_paymentattempt; DROP FUNCTION pg_temp.refuse();"


@pytest.fixture(autouse=True)
def secrets(settings: LazySettings) -> None:
    settings.BILLING_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


def send(body: str, headers: dict[str, str] | None = None, webhook_id: str = "msg_1", client: Any = None) -> Any:
    shown = signed(body, secret=SECRET, webhook_id=webhook_id) if headers is None else headers
    path = "/api/v1/billing/webhook"
    return (client or Client()).post(path, data=body, content_type="application/json", headers=shown)


def report_about(checkout_id: str, **changes: Any) -> str:
    data = {"checkoutId": checkout_id, "orderId": "bill_9", "status": "success", "amount": "20.00", "currency": "GBP"}
    return json.dumps({"data": data | changes})


def only() -> WebhookReceipt:
    return WebhookReceipt.objects.get()


def counted() -> dict[str, int]:
    return counts.counts(inbox.COUNTED, now=now()).get(f"{now():%Y-%m-%d}", {})


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the inbox wrote into the log."""
    return [record.getMessage() for record in caplog.records if record.name == "orders.inbox"]


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def test_a_webhook_is_kept_as_it_came_with_what_became_of_it(paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET)
    send(paid, headers)
    receipt = only()
    assert (bytes(receipt.body), receipt.headers) == (paid.encode(), headers)
    assert (receipt.provider, receipt.webhook_id) == ("billing", "msg_1")
    assert (receipt.outcome, receipt.error, receipt.tries) == ("settled", "", 1)
    assert receipt.checkout_id == attempt_of(order).billing_checkout_id
    assert receipt.handled_at is not None
    assert receipt.handled_at >= receipt.received_at


def test_one_that_comes_again_changes_nothing_and_is_counted(
    paid: str, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    send(paid)
    before = WebhookReceipt.objects.values().get()
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        again = send(paid)
    assert (again.status_code, again.json()["data"]) == (200, {"handled": False})
    assert WebhookReceipt.objects.values().get() == before
    assert counted() == {"repeated": 1}
    assert said(caplog) == ["webhook of billing is repeated (1 of today)"]
    check_books()


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "unsigned"),
        ({"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}, "stale"),
        ({"webhook-id": "a", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"}, "altered"),
    ],
    ids=["unsigned", "stale", "altered"],
)
def test_one_that_is_refused_is_counted_and_not_stored(
    headers: dict[str, str], kind: str, paid: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        assert send(paid, headers).status_code == 401
    assert not WebhookReceipt.objects.exists()
    assert counted() == {kind: 1}
    assert said(caplog) == [f"webhook of billing is {kind} (1 of today)"]


def test_another_body_under_a_good_signature_is_altered(paid: str) -> None:
    assert send(paid.replace("success", "failure"), signed(paid, secret=SECRET)).status_code == 401
    assert counted() == {"altered": 1}


def test_refusals_are_said_at_the_first_the_tenth_the_hundredth_of_a_day(
    paid: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        for _ in range(25):
            send(paid, {})
    assert said(caplog) == [f"webhook of billing is unsigned ({number} of today)" for number in (1, 10)]
    assert counted() == {"unsigned": 25}


def test_with_redis_away_it_is_refused_as_ever(paid: str) -> None:
    core_redis.breaker.closed_after = float("inf")
    assert send(paid, {}).status_code == 401


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{", "JSONDecodeError"),
        ('{"data": []}', "TypeError"),
        (report_about("x", status="won"), "won"),
        (report_about("x", amount="-20.00"), "-20.00"),
        (report_about("x", amount="1e400"), "1e400"),
        (report_about("x", currency="ZZZ"), "ZZZ"),
        (report_about("x" * 101), "xxx"),
        (report_about(""), "ValueError"),
    ],
    ids=["no JSON", "a list", "unknown status", "negative", "huge", "no currency", "long id", "no id"],
)
def test_a_signed_one_that_is_no_report_is_kept_and_says_why(
    body: str, why: str, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        answer = send(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert only().outcome == "unreadable"
    assert why in only().error
    assert counted() == {"unreadable": 1}
    assert [line.split(":")[0] for line in said(caplog)] == ["webhook msg_1 of billing is unreadable"]
    assert (Order.objects.get().status, attempt_of(order).status) == ("pending", "open")


def test_billing_that_sends_it_again_is_told_to_stop(order: Order) -> None:
    assert [send("{}").status_code for _ in range(2)] == [400, 200]
    assert only().tries == 1


@pytest.mark.parametrize("webhook_id", ["x" * 101, "a b", "ü"])
def test_an_id_that_is_none_is_refused(webhook_id: str, paid: str) -> None:
    assert send(paid, webhook_id=webhook_id).status_code == 400
    assert not WebhookReceipt.objects.exists()


def test_one_about_another_order_of_billings_is_believed_in_nothing(
    billing: BillingService, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        answer = send(json.dumps(webhook_body(billing.only(), orderId="bill_999")))
    assert answer.status_code == 400
    assert (only().outcome, only().error) == ("contradicts", "billing's order is bill_1")
    assert counted() == {"contradicts": 1}
    assert said(caplog) == ["webhook msg_1 of billing is contradicts: billing's order is bill_1"]
    assert (Order.objects.get().status, attempt_of(order).status) == ("pending", "open")


def test_older_news_are_kept_as_no_news(billing: BillingService, order: Order) -> None:
    opened = json.dumps(webhook_body(billing.only()))
    assert send(opened).status_code == 200
    assert only().outcome == "no_change"


def test_one_that_fails_here_says_so_and_is_handled_when_it_comes_again(paid: str, order: Order) -> None:
    sql(BREAK)
    answer = send(paid, client=Client(raise_request_exception=False))
    assert answer.status_code >= 500
    assert only().outcome == "failed"
    assert "disk full" in only().error
    assert counted() == {"failed": 1}
    sql(MEND)
    again = send(paid)
    assert (again.status_code, again.json()["data"]) == (200, {"handled": True})
    assert (only().outcome, only().error, Order.objects.get().status) == ("settled", "", "success")
    check_books()


def test_one_about_nothing_known_is_acknowledged_counted_and_said(
    order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "orders.inbox"):
        assert send(report_about("pay_early")).json()["data"] == {"handled": True}
    assert (only().outcome, counted()) == ("unmatched", {"unmatched": 1})
    assert said(caplog) == ["webhook msg_1 of billing is about pay_early, which is not known"]
    assert (Order.objects.get().status, attempt_of(order).status) == ("pending", "open")


def test_one_that_comes_before_its_attempt_waits_and_is_taken_up(world: World) -> None:
    send(report_about("pay_early"))
    assert only().outcome == "unmatched"
    assert inbox.take_up(now=now()) == 0
    attempt = PaymentAttemptFactory.create(billing_checkout_id="pay_early")
    assert inbox.take_up(now=now()) == 1
    attempt.refresh_from_db()
    assert attempt.status == "success"
    assert only().outcome == "settled"
    assert Order.objects.get().status == "success"
    assert inbox.take_up(now=now()) == 0


def test_one_that_comes_before_its_attempt_and_again_after_it_is_handled_then(world: World) -> None:
    send(report_about("pay_early"))
    PaymentAttemptFactory.create(billing_checkout_id="pay_early")
    assert send(report_about("pay_early")).json()["data"] == {"handled": True}
    assert (only().outcome, Order.objects.get().status) == ("settled", "success")


def test_one_that_comes_twice_before_its_attempt_changes_nothing(db: None) -> None:
    assert [send(report_about("pay_early")).json()["data"]["handled"] for _ in range(2)] == [True, False]


def test_what_a_dead_process_left_is_taken_up_after_a_minute(paid: str, order: Order) -> None:
    send(paid, webhook_id="msg_0")
    WebhookReceipt.objects.update(outcome="received", handled_at=None)
    PaymentAttempt.objects.update(status="open", resolved_at=None, counted_at=None, paid_amount=None)
    force_status("pending")
    OrderSession.objects.update(status="active")
    assert inbox.take_up(now=now()) == 0
    assert inbox.take_up(now=now() + timedelta(minutes=1, seconds=1)) == 1
    assert only().outcome == "settled"


def test_one_whose_attempt_never_comes_is_left_after_a_day(world: World) -> None:
    send(report_about("pay_early"))
    PaymentAttemptFactory.create(billing_checkout_id="pay_early")
    assert inbox.take_up(now=now() + timedelta(days=1, minutes=1)) == 0


def test_one_that_cannot_be_handled_does_not_keep_the_others_waiting(world: World) -> None:
    for number in range(2):
        send(report_about(f"pay_{number}"), webhook_id=f"msg_{number}")
        PaymentAttemptFactory.create(billing_checkout_id=f"pay_{number}")
    sql(BREAK.replace("FOR EACH ROW", "FOR EACH ROW WHEN (OLD.billing_checkout_id = 'pay_0')"))
    assert inbox.take_up(now=now()) == 1
    assert dict(WebhookReceipt.objects.values_list("webhook_id", "outcome")) == {"msg_0": "failed", "msg_1": "settled"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("protected", [True, False], ids=["", "control: no outcome is final"])
def test_copies_that_come_at_once_have_one_effect(
    protected: bool, paid: str, order: Order, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects: list[str] = []
    usual = inbox.outcome_of

    def noted(receipt: WebhookReceipt, **more: Any) -> Any:
        effects.append(receipt.webhook_id)
        return usual(receipt, **more)

    monkeypatch.setattr(inbox, "outcome_of", noted)
    if not protected:
        monkeypatch.setattr(inbox, "UNFINISHED", tuple(WebhookReceipt.Outcome))
    answers = together(8, lambda _place: send(paid).status_code)
    assert set(answers) == {200}
    assert (len(effects) == 1) is protected
    assert WebhookReceipt.objects.count() == 1
    check_books()


def test_a_replay_handles_it_again_and_settles_nothing_twice(paid: str, order: Order) -> None:
    send(paid)
    history = order.history.count()
    receipt = inbox.replay(receipt_id=only().pk, actor="ada@example.com", now=now())
    assert (receipt.outcome, receipt.tries, order.history.count()) == ("no_change", 2, history)
    check_books()


def test_a_replay_settles_what_failed_and_says_who_did_it(paid: str, order: Order) -> None:
    sql(BREAK)
    send(paid, client=Client(raise_request_exception=False))
    with pytest.raises(DatabaseError):
        inbox.replay(receipt_id=only().pk, actor="ada@example.com", now=now())
    sql(MEND)
    assert inbox.replay(receipt_id=only().pk, actor="ada@example.com", now=now()).outcome == "settled"
    changes = list(order.history.values_list("new", "actor"))
    assert changes[-1] == ("success", "billing webhook, replayed by ada@example.com")

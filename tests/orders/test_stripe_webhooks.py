"""Stripe's webhooks: whoever cannot sign them changes nothing, and those that are signed are kept and handled once."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from core import counts
from core.clock import now
from orders import inbox
from orders.models import Order, WebhookReceipt
from tests.billing_server import BillingService
from tests.stripe_server import Stripe, event, signed
from tests.world import Shopper, World, attempt_of, check_books

pytestmark = pytest.mark.django_db

SECRET, OTHER = "whsec_first", "whsec_second"
COMPLETED = "checkout.session.completed"


@pytest.fixture(autouse=True)
def secrets(settings: LazySettings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def order(world: World, stripe: Stripe, shopper: Shopper) -> Order:
    return shopper.order(world)


@pytest.fixture
def paid(order: Order, stripe: Stripe) -> str:
    """The event that says that the order is paid."""
    stripe.pay(stripe.only())
    return event(COMPLETED, stripe.only())


def send(body: str | bytes, headers: dict[str, str] | None = None, provider: str = "stripe") -> Any:
    path = f"/api/v1/billing/{provider}"
    shown = signed(str(body), SECRET) if headers is None else headers
    return Client().post(path, data=body, content_type="application/json", headers=shown)


def states(order: Order) -> tuple[str, str]:
    return Order.objects.get(pk=order.pk).status, attempt_of(order).status


def test_a_completed_session_is_a_paid_order(paid: str, order: Order) -> None:
    answer = send(paid)
    assert (answer.status_code, answer.json()["data"]) == (200, {"handled": True})
    assert states(order) == ("success", "success")
    receipt = WebhookReceipt.objects.get()
    assert (receipt.provider, receipt.webhook_id, receipt.outcome) == ("stripe", "evt_1", "settled")
    check_books()


def test_the_history_names_the_provider_whose_webhook_it_was(paid: str, order: Order) -> None:
    send(paid)
    change = order.history.get(new="success")
    assert change.actor == "stripe webhook"


def test_the_same_event_again_changes_nothing(paid: str, order: Order) -> None:
    send(paid)
    assert send(paid).json()["data"] == {"handled": False}
    assert order.history.filter(field="status").count() == 2
    check_books()


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "unsigned"),
        ({"stripe-signature": ""}, "unsigned"),
        ({"stripe-signature": "nothing"}, "altered"),
        ({"stripe-signature": "v1=abc"}, "altered"),
        ({"stripe-signature": "t=abc,v1=abc"}, "altered"),
        ({"stripe-signature": "t=NOW"}, "altered"),
        ({"stripe-signature": "t=NOW,v1=é"}, "altered"),
        ({"stripe-signature": "t=NOW,v0=abc"}, "altered"),
    ],
    ids=range(8),
)
def test_one_that_is_not_signed_is_refused_and_counted(
    headers: dict[str, str], kind: str, paid: str, order: Order
) -> None:
    signed_now = {name: value.replace("NOW", str(int(time.time()))) for name, value in headers.items()}
    answer = send(paid, signed_now)
    assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert states(order) == ("pending", "open")
    assert not WebhookReceipt.objects.exists()
    assert list(counts.counts(inbox.COUNTED, now=now()).values()) == [{kind: 1}]


@pytest.mark.parametrize("seconds", [-302, 302])
def test_one_that_is_older_or_newer_than_five_minutes_is_refused(seconds: int, paid: str, order: Order) -> None:
    assert send(paid, signed(paid, SECRET, at=time.time() + seconds)).status_code == 401
    assert states(order) == ("pending", "open")
    assert list(counts.counts(inbox.COUNTED, now=now()).values()) == [{"stale": 1}]


@pytest.mark.parametrize("seconds", [-295, 295])
def test_one_within_five_minutes_is_believed(seconds: int, paid: str, order: Order) -> None:
    assert send(paid, signed(paid, SECRET, at=time.time() + seconds)).status_code == 200
    assert states(order) == ("success", "success")


def test_one_that_was_altered_is_refused(order: Order, stripe: Stripe) -> None:
    body = event(COMPLETED, stripe.only())
    altered = body.replace("unpaid", "paid").replace('"open"', '"complete"')
    assert send(altered, signed(body, SECRET)).status_code == 401
    assert send(altered.encode() + b"\xff", signed(body, SECRET)).status_code == 401
    assert states(order) == ("pending", "open")


def test_a_secret_that_is_not_ours_signs_nothing(paid: str, order: Order) -> None:
    assert send(paid, signed(paid, OTHER)).status_code == 401
    assert states(order) == ("pending", "open")


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_while_secrets_are_rotated_both_work(secret: str, paid: str, order: Order, settings: LazySettings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [OTHER, SECRET]
    assert send(paid, signed(paid, secret)).status_code == 200
    assert states(order) == ("success", "success")


def test_of_two_signatures_one_is_enough(paid: str, order: Order) -> None:
    assert send(paid, signed(paid, OTHER, SECRET)).status_code == 200
    assert states(order) == ("success", "success")


def test_without_secrets_nothing_is_believed(paid: str, order: Order, settings: LazySettings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert send(paid, signed(paid, "")).status_code == 401


def test_a_payment_that_takes_days_settles_when_it_came(order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only(), later=True)
    assert send(event(COMPLETED, stripe.only())).status_code == 200
    assert states(order) == ("pending", "open")
    stripe.ends_later(stripe.only(), well=True)
    send(event("checkout.session.async_payment_succeeded", stripe.only(), event_id="evt_2"))
    assert states(order) == ("success", "success")


def test_a_payment_that_never_came_is_a_failure(order: Order, stripe: Stripe, shopper: Shopper) -> None:
    stripe.pay(stripe.only(), later=True)
    stripe.ends_later(stripe.only(), well=False)
    send(event("checkout.session.async_payment_failed", stripe.only()))
    assert states(order) == ("pending", "failure")
    assert shopper.retry(order).status_code == 200


def test_an_expired_session_is_timed_out(order: Order, stripe: Stripe) -> None:
    stripe.expire(stripe.only())
    send(event("checkout.session.expired", stripe.only()))
    assert states(order) == ("pending", "timeout")


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("payment_intent.succeeded", {}),
        ("charge.refunded", {}),
        (COMPLETED, {"metadata": {}}),
        (COMPLETED, {"metadata": None}),
    ],
    ids=str,
)
def test_what_is_not_about_our_sessions_is_acknowledged_and_changes_nothing(
    kind: str, changes: dict[str, Any], order: Order, stripe: Stripe
) -> None:
    stripe.pay(stripe.only())
    answer = send(event(kind, stripe.only(), **changes))
    assert answer.status_code == 200
    assert states(order) == ("pending", "open")
    receipt = WebhookReceipt.objects.get()
    assert (receipt.outcome, bytes(receipt.body)) == ("no_change", b"")


@pytest.mark.parametrize("lie", [{"amount_total": 3299}, {"currency": "usd"}], ids=str)
def test_other_money_than_agreed_is_no_payment(lie: dict[str, Any], order: Order, stripe: Stripe) -> None:
    stripe.pay(stripe.only())
    assert send(event(COMPLETED, stripe.only(), **lie)).status_code == 200
    order.refresh_from_db()
    assert (order.status, bool(order.needs_attention)) == ("pending", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "won"},
        {"currency": "zzz"},
        {"currency": None},
        {"amount_total": "3300"},
        {"amount_total": -1},
        {"amount_total": 10**30},
        {"id": "x" * 101},
        {"id": "a\0b"},
        {"client_reference_id": "ORD-OTHER"},
    ],
    ids=range(9),
)
def test_one_that_is_no_report_is_kept_and_refused_as_such(
    changes: dict[str, Any], paid: str, order: Order, stripe: Stripe
) -> None:
    assert send(event(COMPLETED, stripe.only(), **changes)).status_code == 400
    assert states(order) == ("pending", "open")
    assert WebhookReceipt.objects.get().outcome in ("unreadable", "contradicts")


@pytest.mark.parametrize(
    "body", ["", "nothing", "[]", "{}", '{"id": 1}', '{"id": ""}', '{"id": "a b"}', "[" * 50_000], ids=range(8)
)
def test_one_without_an_id_is_refused(body: str, order: Order) -> None:
    assert send(body).status_code == 400
    assert not WebhookReceipt.objects.exists()


@pytest.mark.parametrize("rest", ["{}", '{"data": []}', '{"data": {"object": []}}', '{"data": {"object": {}}}'])
def test_an_event_without_what_it_should_have_is_unreadable(rest: str, order: Order) -> None:
    body = json.dumps({"id": "evt_9", "type": COMPLETED} | json.loads(rest))
    assert send(body).status_code == 400
    assert WebhookReceipt.objects.get().outcome == "unreadable"


def test_it_is_handled_again_from_the_inbox_as_it_came(paid: str, order: Order) -> None:
    send(paid)
    receipt = inbox.replay(receipt_id=WebhookReceipt.objects.get().pk, actor="staff", now=now())
    assert (receipt.outcome, receipt.tries) == ("no_change", 2)
    check_books()


def test_one_that_comes_before_its_attempt_is_taken_up_later(paid: str, order: Order) -> None:
    attempt = attempt_of(order)
    attempt.billing_checkout_id, real = "cs_elsewhere", attempt.billing_checkout_id
    attempt.save()
    send(paid)
    assert WebhookReceipt.objects.get().outcome == "unmatched"
    attempt.billing_checkout_id = real
    attempt.save()
    assert inbox.take_up(now=now()) == 1
    assert states(order) == ("success", "success")


def test_stripe_settles_nothing_of_billings(
    world: World, billing: BillingService, shopper: Shopper, stripe: Stripe, settings: LazySettings
) -> None:
    settings.PAYMENT_PROVIDER = "billing"
    order = shopper.order(world)
    lie = {
        "id": billing.only().checkout_id, "status": "complete", "payment_status": "paid", "amount_total": 3300,
        "currency": "gbp", "metadata": {"footfall_order": order.number},
    }  # fmt: skip
    send(event(COMPLETED, lie))
    assert states(order) == ("pending", "open")
    assert WebhookReceipt.objects.get().outcome == "unmatched"
    assert inbox.take_up(now=now()) == 0


def test_a_provider_that_is_none_has_no_webhooks(paid: str) -> None:
    assert send(paid, provider="nobody").status_code == 404

"""Billing that cannot be reached, or lies, costs nobody an order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from core.clock import now
from orders.models import Order, OrderSession, PaymentAttempt
from orders.providers import calls as seam
from tests.billing_server import BillingService, close_client
from tests.world import Shopper, World, attempt_of, check_books

pytestmark = pytest.mark.django_db
OPENED = {"checkoutId": "pay_x", "orderId": "bill_x", "status": "open", "payUrl": "https://billing.test/p"}
SICK: list[dict[str, Any]] = [
    {"down": True},
    {"status": 500},
    {"status": 503},
    {"status": 401},
    {"status": 404},
    {"status": 422},
    {"body": "<html>"},
    {"body": []},
    {"body": {}},
    {"body": OPENED | {"payUrl": None}},
    {"body": OPENED | {"payUrl": "javascript:alert(1)"}},
    {"body": OPENED | {"payUrl": "https://b.test/" + "x" * 3000}},
    {"body": OPENED | {"checkoutId": 17}},
    {"body": OPENED | {"checkoutId": ""}},
    {"body": OPENED | {"checkoutId": "x" * 101}},
    {"body": OPENED | {"checkoutId": "a\0b"}},
    {"body": "[" * 100_000},
]


@pytest.mark.parametrize("knob", SICK, ids=lambda knob: str(knob)[:60])
def test_the_order_is_kept_with_its_window_and_no_attempt_is_burned(
    knob: dict[str, Any], world: World, billing: BillingService, shopper: Shopper
) -> None:
    billing.knob("open", **knob)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    details = answer.json()["details"]
    order = Order.objects.get()
    assert (details["order"]["orderId"], details["order"]["status"]) == (str(order.id), "pending")
    assert details["payment"] == {"attempt": None, "paymentUrl": None}
    session = OrderSession.objects.get()
    assert (session.status, session.payment_attempts) == ("active", 0)
    assert session.expires_at > now() + timedelta(minutes=14)
    assert not PaymentAttempt.objects.exists()
    check_books()


def test_when_billing_is_back_the_shopper_pays_by_a_retry(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    billing.knob("open", down=True)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    order_id = answer.json()["details"]["order"]["orderId"]
    assert shopper.post(f"/orders/{order_id}/retry-payment").status_code == 502
    billing.well()
    retried = shopper.post(f"/orders/{order_id}/retry-payment")
    assert retried.status_code == 200
    assert retried.json()["data"] == {
        "paymentAttempts": 1,
        "maxPaymentAttempts": 3,
        "remainingAttempts": 2,
        "paymentUrl": f"{billing.url}/p/{billing.only().checkout_id}",
    }


def test_an_answer_that_got_lost_opens_no_second_pay_session(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    billing.knob("open", down=True, acts=True)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    billing.well()
    retried = shopper.post(f"/orders/{answer.json()['details']['order']['orderId']}/retry-payment")
    assert retried.status_code == 200
    assert (len(billing.sessions), billing.calls["open"]) == (1, 2)


def test_a_slow_billing_service_is_left_after_the_timeout(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam, "TIMEOUT", httpx2.Timeout(0.2))
    close_client()
    billing.knob("open", delay=1)
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world).status_code == 502


def test_a_billing_service_that_sends_a_byte_now_and_then_is_left_after_the_timeout(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would be good, and takes seconds; no byte takes long."""
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 0.4)
    billing.knob("open", drip=0.02)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    order_id = answer.json()["details"]["order"]["orderId"]
    assert shopper.post(f"/orders/{order_id}/retry-payment").status_code == 502
    assert OrderSession.objects.get().payment_attempts == 0
    monkeypatch.undo()
    billing.well()
    assert shopper.post(f"/orders/{order_id}/retry-payment").status_code == 200
    assert len(billing.sessions) == 1
    check_books()


@pytest.fixture
def one_caller(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Calls to billing are made one by one."""
    monkeypatch.setattr(seam, "CONNECTIONS", 1)
    seam.callers.cache_clear()
    yield
    seam.callers.cache_clear()


def test_what_is_sent_to_nobody_any_more_keeps_no_later_call_waiting(
    one_caller: None, world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 1)
    billing.knob("open", drip=0.1)
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    assert answer.status_code == 502
    billing.well()
    assert shopper.post(f"/orders/{answer.json()['details']['order']['orderId']}/retry-payment").status_code == 200


def test_a_pay_session_of_another_order_is_not_handed_out(world: World, billing: BillingService) -> None:
    first, second = Shopper(), Shopper()
    taken = attempt_of(first.order(world))
    billing.knob("open", body=OPENED | {"checkoutId": taken.billing_checkout_id})
    answer = second.confirm(second.checkout((world.mug, 1)), world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert PaymentAttempt.objects.count() == 1


def test_billing_refusing_the_old_connection_is_no_reason_to_fail(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    shopper.buy(world)
    assert Shopper().buy(world)["payment"]["paymentUrl"]

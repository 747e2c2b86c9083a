"""What billing may answer that is not as agreed: nothing is believed, and it is counted and said."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from core import counts
from core.clock import now
from orders.models import Order, PaymentAttempt, Refund
from orders.providers import calls as seam
from orders.providers.contract import Report
from orders.services import cancel_order, expire_due, poll_billing, send_refunds, settle_attempt
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db

NO_ANSWER: dict[str, dict[str, Any]] = {
    "HTML": {"body": "<html><h1>It works</h1>"},
    "half a body": {"body": '{"checkoutId": "pay_1", "status": "suc'},
    "a list": {"body": []},
    "204": {"status": 204, "body": ""},
    "a redirect": {"status": 302, "body": ""},
    "500": {"status": 500},
    "hangs up": {"down": True},
}
each_wrong_answer = pytest.mark.parametrize("knob", NO_ANSWER.values(), ids=NO_ANSWER)


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


def counted() -> dict[str, int]:
    return counts.counts(seam.COUNTED, now=now()).get(f"{now():%Y-%m-%d}", {})


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the seam wrote into the log."""
    return [record.getMessage() for record in caplog.records if record.name == "orders.providers"]


def poll() -> tuple[int, int, int]:
    PaymentAttempt.objects.watched().update(next_poll_at=now())
    result = poll_billing(now=now())
    return result.checked, result.changed, sum(result.errors.values())


def answer(session: Any, **lies: Any) -> dict[str, Any]:
    body: dict[str, Any] = session.report() | {"status": "success"} | lies
    return body


@each_wrong_answer
def test_an_opening_that_is_not_answered_as_agreed_keeps_the_order(
    knob: dict[str, Any], world: World, billing: BillingService, shopper: Shopper, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("open", **knob)
    with caplog.at_level(logging.WARNING, "orders.providers"):
        refused = shopper.confirm(shopper.checkout((world.mug, 1)), world)
    assert (refused.status_code, refused.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert (Order.objects.get().status, PaymentAttempt.objects.count()) == ("pending", 0)
    assert sum(counted().values()) == 1
    assert said(caplog)
    check_books()


def test_a_pay_session_of_another_order_is_not_this_ones(world: World, billing: BillingService, order: Order) -> None:
    first = billing.only()
    theirs = {"checkoutId": first.checkout_id, "orderId": first.order_id, "payUrl": "https://pay.test/1"}
    billing.knob("open", status=201, body=theirs)
    shopper = Shopper()
    refused = shopper.confirm(shopper.checkout((world.tea, 1)), world)
    assert (refused.status_code, refused.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert PaymentAttempt.objects.get().order_session.order_id == order.pk


@each_wrong_answer
def test_a_poll_that_is_not_answered_as_agreed_changes_nothing(
    knob: dict[str, Any], order: Order, billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("get", **knob)
    with caplog.at_level(logging.WARNING, "orders.providers"):
        assert poll() == (1, 0, 1)
    assert (attempt_of(order).status, Order.objects.get().status) == ("open", "pending")
    assert attempt_of(order).last_error
    assert sum(counted().values()) == 1
    assert attempt_of(order).billing_checkout_id in said(caplog)[0]


@pytest.mark.parametrize(
    "lie",
    [
        {"checkoutId": "pay_999"},
        {"amount": "-33.00"},
        {"orderId": ""},
        {"orderId": None},
        {"amount": "1e400"},
        {"amount": "99999999999999999999"},
        {"currency": "ZZZ"},
        {"currency": ["GBP"]},
        {"status": "won"},
        {"status": None},
    ],
    ids=str,
)
def test_an_answer_about_something_else_or_nobody_knows_what_changes_nothing(
    lie: dict[str, Any], order: Order, billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("get", body=answer(billing.only(), **lie))
    with caplog.at_level(logging.WARNING, "orders.providers"):
        assert poll() == (1, 0, 1)
    assert (attempt_of(order).status, Order.objects.get().status) == ("open", "pending")
    assert counted() == {"not_as_agreed": 1}
    assert len(said(caplog)) == 1
    billing.knob("get", body=answer(billing.only()))
    assert poll() == (1, 1, 0)


def test_a_report_about_another_order_of_billings_settles_nothing_and_is_said(
    order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    attempt = attempt_of(order)
    said = Report("success", attempt.amount, attempt.currency, "bill_999")
    with caplog.at_level(logging.ERROR, "orders.services.settling"):
        settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=now())
    assert (attempt_of(order).status, Order.objects.get().status) == ("open", "pending")
    assert "about its order bill_999" in caplog.text


def test_answers_of_no_use_are_said_at_the_first_the_tenth_the_hundredth_of_a_day(
    order: Order, billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("get", status=500)
    with caplog.at_level(logging.WARNING, "orders.providers"):
        for _ in range(12):
            poll()
    assert counted() == {"server_error": 12}
    assert [line.partition("(")[2] for line in said(caplog)] == ["1 of today)", "10 of today)"]


@pytest.mark.parametrize("lie", [{"amount": "32.99"}, {"currency": "USD"}], ids=str)
def test_other_money_than_agreed_is_no_payment_and_staff_are_told(
    lie: dict[str, str], order: Order, billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("get", body=answer(billing.only(), **lie))
    with caplog.at_level(logging.ERROR, "orders.services.settling"):
        assert poll() == (1, 1, 0)
    order.refresh_from_db()
    assert (order.status, bool(order.needs_attention)) == ("pending", True)
    assert "needs attention: billing took" in caplog.text
    check_books()


@each_wrong_answer
def test_a_cancelling_that_is_not_confirmed_is_none(
    knob: dict[str, Any], order: Order, billing: BillingService, caplog: pytest.LogCaptureFixture
) -> None:
    billing.knob("cancel", **knob)
    window_ends(order)
    with caplog.at_level(logging.WARNING, "orders.providers"):
        expire_due(now=now())
    assert (sum(counted().values()), len(said(caplog))) == (1, 1)
    assert (Order.objects.get().status, attempt_of(order).status) == ("pending", "open")


def test_a_cancelling_by_the_shopper_goes_on_without_billing(order: Order, billing: BillingService) -> None:
    billing.knob("cancel", body="<html>")
    assert cancel_order(order_id=order.pk, actor="customer", now=now()).status == "cancelled"
    assert attempt_of(order).next_poll_at is not None
    check_books()


@each_wrong_answer
def test_a_refund_that_is_not_confirmed_is_asked_for_again(
    knob: dict[str, Any], order: Order, billing: BillingService, world: World
) -> None:
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    report(attempt_of(order), "success")
    billing.knob("refund", **knob)
    assert send_refunds(now=now()) == 0
    refund = Refund.objects.get()
    assert (refund.status, bool(refund.last_error)) == ("requested", True)
    assert sum(counted().values()) == 1
    billing.well()
    assert refund.next_try_at is not None
    assert send_refunds(now=refund.next_try_at) == 1

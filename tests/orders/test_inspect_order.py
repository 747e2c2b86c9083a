"""`manage.py inspect_order`: everything about one order, in the order of time."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.clock import now
from core.models import Mail
from orders.models import Order, WebhookReceipt
from orders.providers.contract import Report
from orders.services import (
    cancel_order,
    expire_due,
    poll_billing,
    refund_attention,
    retry_payment,
    send_refunds,
    settle_attempt,
)
from tests.billing_server import BillingService
from tests.factories import CouponFactory, OrderFactory, OrderItemFactory
from tests.world import Shopper, World, attempt_of, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world, (world.mug, 2), coupon=CouponFactory(code="TEN").code)


def inspect(text: object) -> dict[str, Any]:
    stdout = StringIO()
    call_command("inspect_order", str(text), "--json", stdout=stdout, stderr=StringIO())
    found: dict[str, Any] = json.loads(stdout.getvalue())
    return found


def told(text: object) -> str:
    stdout = StringIO()
    call_command("inspect_order", str(text), stdout=stdout, stderr=StringIO())
    return stdout.getvalue()


def whats(order: Order, where: str) -> list[str]:
    return [moment["what"] for moment in inspect(order.number)["timeline"] if moment["where"] == where]


def test_an_order_is_found_by_its_number_in_any_case_or_its_id(order: Order) -> None:
    bare = order.number.removeprefix("ORD-")
    for text in (order.number, order.number.lower(), bare, f" {bare.lower()} ", order.pk, order.pk.hex):
        assert inspect(text)["number"] == order.number


@pytest.mark.parametrize("text", ["ORD-NOSUCHONE0", "", "%", "01890000-0000-7000-8000-000000000000"])
def test_an_order_that_is_not_there_is_an_error(order: Order, text: str) -> None:
    with pytest.raises(CommandError, match="no order") as caught:
        call_command("inspect_order", text)
    assert caught.value.returncode == 1


def test_the_timeline_goes_from_the_visit_over_the_checkout_to_the_end(order: Order) -> None:
    window_ends(order)
    expire_due(now=now())
    account = inspect(order.number)
    moments = [moment["at"] for moment in account["timeline"]]
    assert moments == sorted(moments)
    assert {"touch", "visit", "checkout", "payment", "order", "outbox"} <= {m["where"] for m in account["timeline"]}
    assert account["order"]["status"] == "expired"
    assert account["window"]["status"] == "expired"


def test_money_is_told_in_the_digits_of_its_currency(order: Order) -> None:
    account = inspect(order.number)
    assert (account["order"]["total"], account["items"][0]["lineTotal"]) == ("50.60", "40.00")
    assert account["attempts"][0]["amount"] == "50.60"


def test_the_checkout_and_its_coupon_are_told(order: Order) -> None:
    assert sorted(whats(order, "checkout")) == ["checkout began", "checkout: open", "coupon used"]


def test_every_change_is_told_with_who_and_why(order: Order) -> None:
    report(attempt_of(order), "success")
    changes = [moment for moment in inspect(order.number)["timeline"] if moment["where"] == "order"]
    assert [(moment["what"], moment["details"]["reason"]) for moment in changes] == [
        ("status: – → pending", "placed"),
        ("status: pending → success", "paid"),
    ]
    assert changes[0]["details"]["by"] == "customer"


def test_attempts_are_told_with_their_polls_and_errors(order: Order, billing: BillingService) -> None:
    billing.knob("get", status=500)
    poll_billing(now=now() + timedelta(seconds=6))
    (attempt,) = inspect(order.number)["attempts"]
    assert (attempt["pollCount"], attempt["errorCount"], attempt["lastError"]) == (1, 1, "HTTP 500")
    assert whats(order, "payment") == [
        "attempt 1 opened",
        "attempt 1 is due to be asked about",
        "payment window ends",
    ]


def test_a_window_that_was_closed_does_not_end_later(order: Order) -> None:
    cancel_order(order_id=order.id, actor="customer", now=now())
    assert "payment window ends" not in whats(order, "payment")
    report(attempt_of(order), "success")
    assert "payment window ends" not in whats(order, "payment")


def test_money_that_goes_back_is_told(order: Order) -> None:
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    for number in (1, 2):
        report(attempt_of(order, number), "success")
    send_refunds(now=now() + timedelta(seconds=1))
    assert whats(order, "refund") == ["refund requested", "refund made"]


def test_money_that_goes_back_is_told_in_the_currency_that_was_taken(order: Order) -> None:
    attempt = attempt_of(order)
    said = Report("success", Decimal("24.20"), "USD")
    settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=now())
    refund_attention(order_id=order.id, reason="not ours", actor="ada", now=now())
    send_refunds(now=now() + timedelta(seconds=1))
    moments = [moment for moment in inspect(order.number)["timeline"] if moment["where"] == "refund"]
    told_of = [moment["details"]["amount"] for moment in moments]
    assert told_of == ["24.20 USD", "24.20 USD"]


def test_webhooks_about_its_attempts_are_told(order: Order) -> None:
    for checkout_id in (attempt_of(order).billing_checkout_id, "another"):
        WebhookReceipt.objects.create(
            webhook_id=f"msg_{checkout_id}", checkout_id=checkout_id, body=b"{}", outcome="settled"
        )
    assert whats(order, "webhook") == ["webhook came"]


def test_mails_that_name_it_are_told_and_others_not(order: Order) -> None:
    for number in (order.number, "ORD-0000000000"):
        Mail.objects.create(
            kind="orders.paid", recipient=order.email.upper(), context={"order": number}, next_attempt_at=now()
        )
    assert whats(order, "mail") == ["mail order.received written", "mail orders.paid written"]


def test_the_outbox_is_told(order: Order) -> None:
    OrderFactory()
    assert whats(order, "outbox") == ["order.created written"]


def test_for_people_it_says_where_the_visit_is_told(order: Order) -> None:
    said = told(order.number)
    assert f"inspect_session {order.visitor_session_id}" in said
    assert "2 × Mug" in said
    assert "attempt 1 opened" in said


def test_an_order_without_window_and_visit_is_told_too() -> None:
    order = OrderItemFactory(order__paid=True).order
    account = inspect(order.number)
    assert (account["window"], account["attempts"]) == (None, [])
    assert "Payment window" not in told(order.number)


def test_what_a_shopper_wrote_cannot_steer_the_terminal(order: Order) -> None:
    Order.objects.update(first_name="\x1b[31mAda\x07")
    assert "\x1b[31m" not in told(order.number)

"""What is erased with an order: what billing sent, and what staff wrote."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from core.clock import now
from orders.models import Order, OrderStatusChange, Refund, WebhookReceipt
from orders.services import comment, refund_attention
from tests.factories import CustomerFactory, OrderFactory, OrderSessionFactory, PaymentAttemptFactory
from tests.stored import rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    customer = CustomerFactory.create(email="ada@example.com")
    order = OrderFactory.create(customer=customer, status="expired", needs_attention="billing took 19.00 GBP")
    window = OrderSessionFactory.create(order=order, status="expired")
    PaymentAttemptFactory.create(
        order_session=window,
        status="success",
        paid_amount=Decimal("19.00"),
        paid_currency="GBP",
        billing_checkout_id="pay_1",
    )
    return order


def test_what_staff_wrote_and_billing_sent_is_erased_with_the_customer(order: Order) -> None:
    for checkout_id in ("pay_1", "pay_2"):
        WebhookReceipt.objects.create(webhook_id=checkout_id, checkout_id=checkout_id, body=b"{}")
    refund_attention(order_id=order.pk, reason="Ada Byron called", actor="staff", now=now())
    call_command("erase_customer", "ada@example.com", "--yes")
    assert not OrderStatusChange.objects.filter(reason__contains="Byron").exists()
    assert [refund.reason for refund in Refund.objects.all()] == [""]
    bodies = {receipt.webhook_id: bytes(receipt.body) for receipt in WebhookReceipt.objects.all()}
    assert bodies == {"pay_1": b"", "pay_2": b"{}"}


def test_comments_and_the_parcel_are_given_out_and_erased(order: Order) -> None:
    comment(order_id=order.pk, text="Mark-comment", actor="staff", now=now())
    marks = {"carrier": "Mark-carrier", "tracking_number": "Mark-number", "tracking_url": "https://mark-url.example/"}
    Order.objects.update(**marks)
    order.history.create(field="fulfillment_status", new="shipped", actor="staff", reason="Mark-carrier Mark-number")
    stdout = StringIO()
    call_command("export_customer", "ada@example.com", stdout=stdout)
    assert [mark for mark in ("Mark-comment", *marks.values()) if mark not in stdout.getvalue()] == []
    call_command("erase_customer", "ada@example.com", "--yes")
    assert "mark-" not in "".join(rows_of("orders_").values()).lower()

"""What older shops hold survives the migrations, forwards and back again."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection

from core.clock import now
from orders.models import PaymentAttempt, WebhookDelivery, WebhookReceipt
from orders.outbox.spreading import spread
from tests import migrating
from tests.factories import OrderFactory, OrderSessionFactory, PaymentAttemptFactory, RefundFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("up_to_date_again")]
migrate = partial(migrating.migrate, "orders")


def test_receipts_of_webhooks_are_kept() -> None:
    migrate("0004_decided_money")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders_webhookreceipt (webhook_id, received_at) VALUES ('msg_1', %s)", [now()])
    migrate("0005_webhook_inbox")
    receipt = WebhookReceipt.objects.get()
    assert (receipt.webhook_id, receipt.provider, receipt.outcome) == ("msg_1", "billing", "settled")
    assert receipt.handled_at == receipt.received_at
    migrate("0004_decided_money")
    with connection.cursor() as cursor:
        cursor.execute("SELECT webhook_id FROM orders_webhookreceipt")
        assert cursor.fetchall() == [("msg_1",)]


def test_money_that_came_before_counts_where_it_paid() -> None:
    paid, sent_back, wrong = (
        PaymentAttemptFactory.create(
            order_session=OrderSessionFactory.create(order=order), status="success", resolved_at=order.placed_at
        )
        for order in (OrderFactory.create(paid=True), OrderFactory.create(status="expired"), OrderFactory.create())
    )
    RefundFactory.create(attempt=sent_back, was_sale=False)
    migrate("0003_window_rules")
    migrate("0004_decided_money")
    found = {attempt.pk: attempt for attempt in PaymentAttempt.objects.only("counted_at", "paid_amount")}
    assert (found[paid.pk].counted_at, found[paid.pk].paid_amount) == (paid.resolved_at, paid.amount)
    assert (found[sent_back.pk].counted_at, found[sent_back.pk].paid_amount) == (None, sent_back.amount)
    assert found[wrong.pk].counted_at is None
    assert found[wrong.pk].paid_amount is None


def test_events_that_nobody_was_told_are_told_now_and_kept_on_the_way_back() -> None:
    migrate("0005_webhook_inbox")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_outboxevent (id, topic, payload, created_at, attempts) "
            "VALUES (gen_random_uuid(), 'order.paid', '{}', now(), 0)"
        )
        cursor.execute(
            "INSERT INTO orders_webhookendpoint (url, secret, topics, is_active, created_at) "
            "VALUES ('https://a.example/', 'whsec_x', '[\"order.paid\"]', true, now())"
        )
    migrate("0006_outbox_delivery")
    assert spread(now=now()) == 1
    assert WebhookDelivery.objects.get().endpoint.url == "https://a.example/"
    migrate("0005_webhook_inbox")
    with connection.cursor() as cursor:
        cursor.execute("SELECT topic, delivered_at IS NOT NULL, attempts FROM orders_outboxevent")
        assert cursor.fetchall() == [("order.paid", True, 0)]


def test_attempts_from_before_are_the_billing_services() -> None:
    old = PaymentAttemptFactory.create()
    migrate("0006_outbox_delivery")
    migrate("0007_provider_of_attempt")
    assert PaymentAttempt.objects.get(pk=old.pk).provider == "billing"

"""The inbox of webhooks, as ops see it and handle one again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from core import counts
from core import redis as core_redis
from core.clock import now
from customers.groups import OPS, SHOP_STAFF, create_groups
from orders.models import Order, WebhookReceipt
from tests.admin_lists import list_of
from tests.factories import PaymentAttemptFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt() -> WebhookReceipt:
    """It says that an order is paid, and was not handled."""
    attempt = PaymentAttemptFactory.create(billing_checkout_id="pay_1", billing_order_id="bill_1")
    attempt.order_session.order.history.create(new="pending", actor="customer")
    data = {"checkoutId": "pay_1", "orderId": "bill_1", "status": "success", "amount": "20.00", "currency": "GBP"}
    body = json.dumps({"data": data, "note": "<b>bold</b>"}).encode()
    return WebhookReceipt.objects.create(webhook_id="msg_1", body=body, outcome="failed", error="disk full")


def member(client: Client, group: str) -> Client:
    create_groups()
    user = UserFactory.create(is_staff=True, email="ops@example.com")
    user.groups.set(Group.objects.filter(name=group))
    client.force_login(user)
    return client


def replay(client: Client, key: object) -> Any:
    return client.post(f"/admin/orders/webhookreceipt/{key}/replay/", {"_form_submitted": "True"})


def status() -> str:
    return Order.objects.get().status


def test_the_page_shows_the_body_as_text(admin_client: Client, receipt: WebhookReceipt) -> None:
    page = admin_client.get(f"/admin/orders/webhookreceipt/{receipt.pk}/change/").content.decode()
    assert "pay_1" in page
    assert "<b>bold</b>" not in page
    assert "disk full" in page


def test_a_body_that_is_no_text_is_shown_all_the_same(admin_client: Client) -> None:
    receipt = WebhookReceipt.objects.create(webhook_id="msg_1", body=b"\xff\x00{")
    assert admin_client.get(f"/admin/orders/webhookreceipt/{receipt.pk}/change/").status_code == 200


@pytest.mark.parametrize("word", ["msg", "pay_1"])
def test_one_is_found_by_its_id_and_by_its_pay_session(
    admin_client: Client, receipt: WebhookReceipt, word: str
) -> None:
    WebhookReceipt.objects.update(checkout_id="pay_1")
    WebhookReceipt.objects.create(webhook_id="other", checkout_id="pay_12")
    page = list_of(admin_client, "orders/webhookreceipt", q=word)
    assert "msg_1" in page
    assert "pay_12" not in page


def test_the_list_says_how_many_were_refused(admin_client: Client) -> None:
    counts.count("webhooks", "stale", now=now())
    assert f"{now():%Y-%m-%d}: stale 1" in list_of(admin_client, "orders/webhookreceipt")
    core_redis.breaker.closed_after = float("inf")
    assert "Redis is away" in list_of(admin_client, "orders/webhookreceipt")


def test_ops_handle_one_again(client: Client, receipt: WebhookReceipt) -> None:
    answer = replay(member(client, OPS), receipt.pk)
    assert answer.headers["HX-Redirect"] == f"/admin/orders/webhookreceipt/{receipt.pk}/change/"
    assert (status(), WebhookReceipt.objects.get().outcome) == ("success", "settled")
    assert LogEntry.objects.get().object_id == str(receipt.pk)
    change = Order.objects.get().history.last()
    assert change is not None
    assert change.actor == "billing webhook, replayed by ops@example.com"


def test_looking_at_the_question_handles_nothing(admin_client: Client, receipt: WebhookReceipt) -> None:
    admin_client.get(f"/admin/orders/webhookreceipt/{receipt.pk}/replay/")
    assert status() == "pending"


def test_it_needs_the_token_of_the_form(admin_user: Any, receipt: WebhookReceipt) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert replay(client, receipt.pk).status_code == 403
    assert status() == "pending"


def test_shop_staff_may_not(client: Client, receipt: WebhookReceipt) -> None:
    assert replay(member(client, SHOP_STAFF), receipt.pk).status_code == 403
    assert status() == "pending"


def test_nobody_is_asked_to_log_in(client: Client, receipt: WebhookReceipt) -> None:
    assert replay(client, receipt.pk).status_code == 302
    assert status() == "pending"


@pytest.mark.parametrize("key", ["0", "999999", "nonsense", "9" * 40])
def test_one_that_is_not_there_cannot_be_handled(admin_client: Client, key: str) -> None:
    assert replay(admin_client, key).status_code in (403, 404)


def test_one_that_fails_again_says_so(admin_client: Client, receipt: WebhookReceipt) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;"
            "CREATE TRIGGER refuse BEFORE UPDATE ON orders_paymentattempt "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();"
        )
    replay(admin_client, receipt.pk)
    page = admin_client.get(f"/admin/orders/webhookreceipt/{receipt.pk}/change/").content.decode()
    assert "It failed again" in page

"""Signed, after the commit, once; what goes wrong is noted on the session."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.conf import LazySettings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from billing_sandbox import services
from billing_sandbox.models import PaySession
from billing_sandbox.webhooks import DROPPED, signed_headers
from tests.billing_sandbox.conftest import Merchant, Shop, expire, wait_for_webhooks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.billing_sandbox.urls")]


def act(checkout_id: str, action: str) -> None:
    Client().post(f"/billing/pay/{checkout_id}", {"action": action})
    wait_for_webhooks()


def test_a_paid_session_is_told_with_a_signature(merchant: Merchant, shop: Shop, settings: LazySettings) -> None:
    checkout_id = merchant.opened()
    act(checkout_id, "pay")
    [(headers, body)] = shop.received
    event = Webhook(settings.BILLING_WEBHOOK_SECRETS[0]).verify(body, headers)
    seen = merchant.read(checkout_id).json()
    assert event == {"type": "paysession.updated", "data": seen | {"reference": "ORD-0123456789"}}
    assert event["data"]["paidAt"]
    assert headers["webhook-id"].startswith("msg_")


def test_an_altered_webhook_does_not_verify(merchant: Merchant, shop: Shop, settings: LazySettings) -> None:
    act(merchant.opened(), "decline")
    [(headers, body)] = shop.received
    forged = body.replace(b'"failure"', b'"success"')
    with pytest.raises(WebhookVerificationError):
        Webhook(settings.BILLING_WEBHOOK_SECRETS[0]).verify(forged, headers)


def test_the_timestamp_is_that_of_the_sending(settings: LazySettings) -> None:
    with time_machine.travel(timezone.now() - timedelta(seconds=301)):
        headers = signed_headers("{}")
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(settings.BILLING_WEBHOOK_SECRETS[0]).verify("{}", headers)


def test_a_declined_session_is_told_without_a_time_of_payment(merchant: Merchant, shop: Shop) -> None:
    act(merchant.opened(), "decline")
    [(_, body)] = shop.received
    data = json.loads(body)["data"]
    assert (data["status"], data["paidAt"]) == ("failure", None)


def test_a_session_past_its_time_is_told_once(merchant: Merchant, shop: Shop) -> None:
    checkout_id = merchant.opened()
    expire(checkout_id)
    merchant.read(checkout_id)
    merchant.read(checkout_id)
    wait_for_webhooks()
    assert [json.loads(body)["data"]["status"] for _, body in shop.received] == ["timeout"]


def test_leaving_and_refunding_tell_nothing(merchant: Merchant, shop: Shop) -> None:
    checkout_id = merchant.opened()
    act(checkout_id, "leave")
    assert shop.received == []
    act(checkout_id, "pay")
    merchant.refund(checkout_id)
    wait_for_webhooks()
    assert len(shop.received) == 1


def test_a_delivery_is_noted(merchant: Merchant, shop: Shop) -> None:
    act(merchant.opened(), "pay")
    session = PaySession.objects.get()
    assert session.webhook_sent_at
    assert session.webhook_error == ""


def test_a_refused_webhook_is_noted_and_not_repeated(merchant: Merchant, shop: Shop) -> None:
    shop.status = 401
    act(merchant.opened(), "pay")
    session = PaySession.objects.get()
    assert (session.webhook_error, session.webhook_sent_at) == ("HTTP 401", None)
    assert len(shop.received) == 1


def test_a_shop_that_is_away_is_noted(merchant: Merchant, settings: LazySettings) -> None:
    settings.BILLING_SANDBOX_WEBHOOK_URL = "http://127.0.0.1:9/webhook"
    act(merchant.opened(), "pay")
    session = PaySession.objects.get()
    assert session.status == "success"
    assert session.webhook_error.startswith("ConnectError")


@pytest.mark.parametrize("secrets", [[], ["whsec_"], ["whsec_a"]])
def test_a_secret_that_cannot_sign_is_noted(
    merchant: Merchant, shop: Shop, settings: LazySettings, secrets: list[str]
) -> None:
    settings.BILLING_WEBHOOK_SECRETS = secrets
    act(merchant.opened(), "pay")
    assert "BILLING_WEBHOOK_SECRETS" in PaySession.objects.get().webhook_error
    assert shop.received == []


def test_the_switch_drops_webhooks(merchant: Merchant, shop: Shop, switch: Callable[..., None]) -> None:
    switch(webhooks="drop")
    act(merchant.opened(), "pay")
    assert shop.received == []
    assert PaySession.objects.get().webhook_error == DROPPED


def test_what_is_rolled_back_is_not_told(merchant: Merchant, shop: Shop) -> None:
    checkout_id = UUID(merchant.opened())
    with transaction.atomic():
        services.settle(checkout_id=checkout_id, outcome=PaySession.Status.SUCCESS, now=timezone.now())
        transaction.set_rollback(True)
    wait_for_webhooks()
    assert shop.received == []
    assert PaySession.objects.get().status == "open"


def test_the_pay_page_does_not_wait_for_the_shop(merchant: Merchant, shop: Shop) -> None:
    shop.gate.clear()
    Client().post(f"/billing/pay/{merchant.opened()}", {"action": "pay"})
    assert shop.received == []
    shop.gate.set()
    wait_for_webhooks()
    assert len(shop.received) == 1

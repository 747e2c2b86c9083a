"""Billing's webhooks: whoever cannot sign them changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from orders.models import Order, WebhookReceipt
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of, check_books, secret_of, signed, webhook_body

pytestmark = pytest.mark.django_db

SECRET, OTHER = secret_of("first"), secret_of("second")


@pytest.fixture(autouse=True)
def secrets(settings: LazySettings) -> None:
    settings.BILLING_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


def send(body: str | bytes, headers: dict[str, str]) -> Any:
    path = "/api/v1/billing/webhook"
    return Client().post(path, data=body, content_type="application/json", headers=headers)


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def assert_refused(answer: Any, order: Order) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_CREDENTIALS")
    assert status_of(order) == "pending"
    assert attempt_of(order).status == "open"
    assert not WebhookReceipt.objects.exists()


def test_a_signed_webhook_settles(paid: str, order: Order) -> None:
    answer = send(paid, signed(paid, secret=SECRET))
    assert (answer.status_code, answer.json()["data"]) == (200, {"handled": True})
    assert status_of(order) == "success"
    check_books()


def test_the_same_id_again_changes_nothing(paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET)
    send(paid, headers)
    again = send(paid, headers)
    assert (again.status_code, again.json()["data"]) == (200, {"handled": False})
    assert order.history.filter(field="status").count() == 2
    check_books()


def test_the_same_news_under_another_id_has_no_second_effect(paid: str, order: Order) -> None:
    for number in range(3):
        assert send(paid, signed(paid, secret=SECRET, webhook_id=f"msg_{number}")).status_code == 200
    assert order.history.filter(field="status").count() == 2
    check_books()


def test_the_same_id_with_other_news_changes_nothing(billing: BillingService, order: Order) -> None:
    billing.settle(billing.only().checkout_id, "failure")
    declined = json.dumps(webhook_body(billing.only()))
    send(declined, signed(declined, secret=SECRET))
    billing.settle(billing.only().checkout_id, "success")
    paid = json.dumps(webhook_body(billing.only()))
    send(paid, signed(paid, secret=SECRET))
    assert status_of(order) == "pending"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_one_without_a_header_is_refused(missing: str, paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET)
    assert_refused(send(paid, {name: value for name, value in headers.items() if name != missing}), order)


def test_an_unsigned_one_is_refused(paid: str, order: Order) -> None:
    assert_refused(send(paid, {}), order)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_one_older_or_newer_than_5_minutes_is_refused(seconds: int, paid: str, order: Order) -> None:
    at = datetime.now(UTC) + timedelta(seconds=seconds + (1 if seconds > 0 else 0))
    assert_refused(send(paid, signed(paid, secret=SECRET, at=at)), order)


@pytest.mark.parametrize("seconds", [-295, 295])
def test_one_within_5_minutes_is_taken(seconds: int, paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET, at=datetime.now(UTC) + timedelta(seconds=seconds))
    assert send(paid, headers).status_code == 200


def test_one_signed_with_another_secret_is_refused(paid: str, order: Order) -> None:
    assert_refused(send(paid, signed(paid, secret=OTHER)), order)


def test_every_flipped_bit_is_refused(paid: str, order: Order) -> None:
    headers, body = signed(paid, secret=SECRET), paid.encode()
    for place in range(0, len(body) * 8, 13):
        altered = bytearray(body)
        altered[place // 8] ^= 1 << place % 8
        assert send(bytes(altered), headers).status_code == 401
    assert_refused(send(paid + " ", headers), order)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_an_altered_header_is_refused(header: str, paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET)
    altered = {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}.get(
        header, headers[header][:-3] + "AAA"
    )
    assert_refused(send(paid, headers | {header: altered}), order)


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", "v1,%%%", "v1,ü", "v1,a,b", "v1a,AAAA", "v2,AAAA", ",", " ", "v1,AAAA v1"]
)
def test_what_is_no_signature_is_refused(signature: str, paid: str, order: Order) -> None:
    headers = signed(paid, secret=SECRET) | {"webhook-signature": signature}
    assert_refused(send(paid, headers), order)


@pytest.mark.parametrize("timestamp", ["", "soon", "nan", "inf", "-1", "1e400", "9" * 40])
def test_what_is_no_timestamp_is_refused(timestamp: str, paid: str, order: Order) -> None:
    assert_refused(send(paid, signed(paid, secret=SECRET) | {"webhook-timestamp": timestamp}), order)


@pytest.mark.parametrize("live", [[SECRET, OTHER], [OTHER, SECRET], ["", SECRET]])
def test_each_live_secret_signs(live: list[str], settings: LazySettings, paid: str, order: Order) -> None:
    settings.BILLING_WEBHOOK_SECRETS = live
    assert send(paid, signed(paid, secret=SECRET)).status_code == 200
    assert status_of(order) == "success"


@pytest.mark.parametrize("live", [[], [""], ["whsec_"], ["whsec_%"]])
def test_without_a_usable_secret_nobody_signs(live: list[str], settings: LazySettings, paid: str, order: Order) -> None:
    settings.BILLING_WEBHOOK_SECRETS = live
    assert_refused(send(paid, signed(paid, secret=SECRET)), order)


@pytest.mark.parametrize("lie", [{"amount": "0.01"}, {"amount": "33.01"}, {"currency": "USD"}])
def test_a_signed_one_with_another_amount_pays_nothing(
    lie: dict[str, str], billing: BillingService, order: Order
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only(), **lie))
    assert send(body, signed(body, secret=SECRET)).status_code == 200
    order.refresh_from_db()
    assert order.status == "pending"
    assert order.needs_attention
    check_books()


def test_an_amount_written_as_a_json_number_is_that_amount(billing: BillingService, order: Order) -> None:
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only(), amount=33.0))
    send(body, signed(body, secret=SECRET))
    assert status_of(order) == "success"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\udcff",
        '{"data": []}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "success"}}',
        '{"data": {"checkoutId": "x", "status": "success", "amount": "1", "currency": "GBP"}}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "won", "amount": "1", "currency": "GBP"}}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "success", "amount": "lots", "currency": "GBP"}}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "success", "amount": "NaN", "currency": "GBP"}}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "success", "amount": "sNaN", "currency": "GBP"}}',
        '{"data": {"checkoutId": "x", "orderId": "y", "status": "success", "amount": 1e400, "currency": "GBP"}}',
        '{"data": {"checkoutId": "a\\u0000b", "orderId": "y", "status": "open", "amount": "1", "currency": "GBP"}}',
        "[" * 50_000,
    ],
    ids=range(16),
)
def test_a_signed_one_that_is_no_report_is_refused_as_such(body: str, order: Order) -> None:
    raw = body.encode("utf-8", "surrogateescape")
    headers = signed(body if raw == body.encode("utf-8", "replace") else "x", secret=SECRET)
    answer = send(raw, headers)
    assert answer.status_code in (400, 401), answer.json()
    assert status_of(order) == "pending"


def test_a_signed_one_about_an_unknown_pay_session_is_acknowledged(order: Order) -> None:
    report = {"checkoutId": "pay_9", "orderId": "bill_9", "status": "success", "amount": "33.00", "currency": "GBP"}
    body = json.dumps({"data": report})
    assert send(body, signed(body, secret=SECRET)).status_code == 200
    assert status_of(order) == "pending"


def test_a_body_too_large_is_refused_as_such(order: Order) -> None:
    answer = send(" " * 300_000, {})
    assert (answer.status_code, answer.json()["error"]) == (413, "PAYLOAD_TOO_LARGE")


def test_it_needs_no_visit_and_begins_none(paid: str, order: Order) -> None:
    assert not send(paid, signed(paid, secret=SECRET)).cookies

"""The contract's calls: who may call, what they answer, what they refuse."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connections
from django.test import Client

from billing_sandbox.models import PaySession, Refund
from tests.billing_sandbox.conftest import API, Merchant, expire, order

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing_sandbox.urls")]
NOBODY = "00000000-0000-4000-8000-000000000000"


def pay(checkout_id: str) -> None:
    Client().post(f"/billing/pay/{checkout_id}", {"action": "pay"})


def test_opening_answers_201_with_the_session(merchant: Merchant, settings: LazySettings) -> None:
    answer = merchant.open()
    session = PaySession.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "checkoutId": str(session.pk),
        "orderId": str(session.order_id),
        "status": "open",
        "payUrl": f"{settings.PUBLIC_URL}/billing/pay/{session.pk}",
    }


def test_an_open_session_is_read_with_the_amount_as_given(merchant: Merchant) -> None:
    checkout_id = merchant.opened(amount="0048.9")
    answer = merchant.read(checkout_id)
    assert answer.status_code == 200
    order_id = str(PaySession.objects.get().order_id)
    assert answer.json() == {
        "checkoutId": checkout_id,
        "orderId": order_id,
        "status": "open",
        "amount": "0048.9",
        "currency": "GBP",
    }


def test_a_paid_session_says_when(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    pay(checkout_id)
    answer = merchant.read(checkout_id).json()
    assert answer["status"] == "success"
    assert answer["paidAt"].endswith("Z")
    assert datetime.fromisoformat(answer["paidAt"]) == PaySession.objects.get().paid_at


def test_a_session_past_its_time_is_a_timeout_when_looked_at(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    expire(checkout_id)
    assert merchant.read(checkout_id).json()["status"] == "timeout"
    assert PaySession.objects.get().status == "timeout"


@pytest.mark.parametrize("key", ["", "wrong", "sandbox-keys", "clé"])
@pytest.mark.parametrize("path", [API, f"{API}/{NOBODY}", f"{API}/{NOBODY}/cancel", f"{API}/{NOBODY}/refund"])
def test_without_the_key_nothing_is_told(path: str, key: str) -> None:
    answer = Client(headers={"x-api-key": key} if key else None).post(path, order(), "application/json")
    assert answer.status_code == 401
    assert answer.json()["error"] == "INVALID_API_KEY"
    assert not PaySession.objects.exists()


@pytest.mark.parametrize("checkout_id", [NOBODY, "nonsense", "%00", "%F0%9F%92%A9"])
def test_an_unknown_session_is_404(merchant: Merchant, checkout_id: str) -> None:
    for answer in (merchant.read(checkout_id), merchant.cancel(checkout_id), merchant.refund(checkout_id)):
        assert answer.status_code == 404
        assert answer.json()["error"] == "NOT_FOUND"


def test_the_wrong_method_is_405_and_named(merchant: Merchant) -> None:
    answer = merchant.client.get(API)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", None),
        ("reference", ""),
        ("reference", 7),
        ("reference", "r" * 201),
        ("reference", "a\x00b"),
        ("reference", "\ud800"),
        *(
            ("amount", value)
            for value in (None, 48.9, "0", "0.00", "-1", "+1", "1e3", "NaN", "1,50", " 1", "1\n", "٤٨")
        ),
        ("amount", "10.005"),
        ("amount", "1" * 13),
        *(("currency", value) for value in (None, "gbp", "XQQ", "GB", "GBPX", ["GBP"])),
        ("description", {"en": "mugs"}),
        *(
            ("returnUrl", value)
            for value in (None, "/orders/1", "javascript:alert(1)", "ftp://x/", "http://", "http://[")
        ),
        ("returnUrl", "http://shop.example/\r\nSet-Cookie: a=b"),
        ("returnUrl", "http://shop.example/" + "é" * 1000),
        *(
            ("expiresAt", value)
            for value in (None, "soon", 1700000000, "2999-01-01T00:00:00", "9999-12-31T23:59:59-23:59")
        ),
    ],
)
def test_a_field_that_cannot_be_used_is_named(merchant: Merchant, field: str, value: Any) -> None:
    answer = merchant.open(order(**{field: value}))
    assert answer.status_code == 400
    assert answer.json()["error"] == "INVALID_INPUT"
    assert list(answer.json()["details"]) == [field]
    assert not PaySession.objects.exists()


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(days=31)])
def test_the_time_to_pay_ends_in_the_future_and_within_a_month(merchant: Merchant, away: timedelta) -> None:
    answer = merchant.open(order(expiresAt=(datetime.now(UTC) + away).isoformat()))
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["expiresAt"])


def test_all_wrong_fields_are_named_at_once(merchant: Merchant) -> None:
    details = merchant.open({}).json()["details"]
    assert set(details) == {"reference", "amount", "currency", "returnUrl", "expiresAt"}


@pytest.mark.parametrize(("amount", "currency"), [("65000", "VND"), ("1.234", "KWD"), ("48.900", "GBP")])
def test_an_amount_in_whole_minor_units_is_taken(merchant: Merchant, amount: str, currency: str) -> None:
    assert merchant.open(order(amount=amount, currency=currency)).status_code == 201


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"]
)
def test_a_body_that_is_no_json_object_is_malformed(merchant: Merchant, body: bytes) -> None:
    answer = merchant.client.post(API, body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["error"] == "MALFORMED_JSON"


def test_a_body_too_large_is_413(merchant: Merchant) -> None:
    answer = merchant.open(order(note="x" * 300_000))
    assert (answer.status_code, answer.json()["error"]) == (413, "PAYLOAD_TOO_LARGE")


def test_the_same_key_answers_the_same_session(merchant: Merchant) -> None:
    body = order()
    first, second = merchant.open(body, key="attempt-1"), merchant.open(body, key="attempt-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert PaySession.objects.count() == 1


def test_the_same_key_is_answered_after_the_time_has_passed(merchant: Merchant) -> None:
    body = order()
    first = merchant.open(body, key="attempt-1")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        again = merchant.open(body, key="attempt-1")
    assert (again.status_code, again.json()["checkoutId"]) == (201, first.json()["checkoutId"])


def test_the_same_key_with_another_body_is_422(merchant: Merchant) -> None:
    merchant.open(order(), key="attempt-1")
    answer = merchant.open(order(amount="1.00"), key="attempt-1")
    assert (answer.status_code, answer.json()["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert PaySession.objects.count() == 1


def test_without_a_key_each_opening_is_a_session(merchant: Merchant) -> None:
    body = order()
    assert merchant.open(body).json()["checkoutId"] != merchant.open(body).json()["checkoutId"]


@pytest.mark.parametrize("key", ["k" * 256, "clé"])
def test_a_key_that_cannot_be_kept_is_refused(merchant: Merchant, key: str) -> None:
    assert merchant.open(order(), key=key).json()["details"].keys() == {"Idempotency-Key"}


@pytest.mark.django_db(transaction=True)
def test_one_key_at_once_opens_one_session(settings: LazySettings) -> None:
    body, start = order(), Barrier(6)

    def opening(_: int) -> str:
        merchant = Merchant(settings.BILLING_API_KEY)
        start.wait(5)
        try:
            return str(merchant.open(body, key="attempt-1").json()["checkoutId"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        ids = set(threads.map(opening, range(6)))
    assert len(ids) == PaySession.objects.count() == 1


def test_cancelling_answers_timeout_and_may_be_repeated(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    for answer in (merchant.cancel(checkout_id), merchant.cancel(checkout_id)):
        assert (answer.status_code, answer.json()["status"]) == (200, "timeout")


def test_cancelling_a_paid_session_is_409(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    pay(checkout_id)
    answer = merchant.cancel(checkout_id)
    assert (answer.status_code, answer.json()["error"]) == (409, "ALREADY_PAID")
    assert merchant.read(checkout_id).json()["status"] == "success"


def test_cancelling_a_declined_session_leaves_it_a_failure(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    Client().post(f"/billing/pay/{checkout_id}", {"action": "decline"})
    answer = merchant.cancel(checkout_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "failure")


def test_refunds_add_up_to_what_was_paid_and_no_more(merchant: Merchant) -> None:
    checkout_id = merchant.opened(amount="48.90")
    pay(checkout_id)
    assert merchant.refund(checkout_id, "40").json()["refundedAmount"] == "40"
    answer = merchant.refund(checkout_id, "8.91")
    assert (answer.status_code, answer.json()["error"]) == (409, "REFUND_TOO_LARGE")
    last = merchant.refund(checkout_id, "8.90")
    assert (last.status_code, last.json()["status"]) == (200, "success")
    assert last.json()["refundedAmount"] == "48.90"
    assert merchant.refund(checkout_id, "0.01").status_code == 409


def test_a_refund_is_made_once_per_key(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    pay(checkout_id)
    answers = [merchant.refund(checkout_id, "30.00", key="refund-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert Refund.objects.count() == 1


def test_a_refund_key_with_another_amount_is_422(merchant: Merchant) -> None:
    checkout_id = merchant.opened()
    pay(checkout_id)
    merchant.refund(checkout_id, "1.00", key="refund-1")
    assert merchant.refund(checkout_id, "2.00", key="refund-1").status_code == 422


def test_an_unpaid_session_cannot_be_refunded(merchant: Merchant) -> None:
    answer = merchant.refund(merchant.opened())
    assert (answer.status_code, answer.json()["error"]) == (409, "NOT_PAID")


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "ten"])
def test_a_refund_of_no_amount_is_refused(merchant: Merchant, amount: str) -> None:
    checkout_id = merchant.opened()
    pay(checkout_id)
    assert list(merchant.refund(checkout_id, amount).json()["details"]) == ["amount"]


def test_the_error_switch_fails_calls_with_nothing_done(merchant: Merchant, switch: Callable[..., None]) -> None:
    switch(error_percent=100)
    answer = merchant.open()
    assert (answer.status_code, answer.json()["error"]) == (503, "UNAVAILABLE")
    assert not PaySession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_latency_switch_delays_calls(merchant: Merchant, switch: Callable[..., None]) -> None:
    switch(latency_ms=200)
    began = time.monotonic()
    assert merchant.open().status_code == 201
    assert time.monotonic() - began >= 0.2


@pytest.mark.django_db(transaction=True)
def test_a_silent_service_does_the_work_and_answers_too_late(
    merchant: Merchant, switch: Callable[..., None], settings: LazySettings
) -> None:
    switch(silent=True)
    settings.BILLING_SANDBOX_SILENCE_SECONDS = 0.3
    began = time.monotonic()
    merchant.open()
    assert time.monotonic() - began >= 0.3
    assert PaySession.objects.count() == 1

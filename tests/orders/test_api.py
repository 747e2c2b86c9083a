"""Orders over HTTP: for the visit that placed them, whoever has the token, and the customer; for nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.dateparse import parse_datetime

from core.clock import now
from core.pages import encode_cursor
from customers.models import Customer
from orders.models import Order, OrderSession
from orders.tokens import access_token, token_hash
from sessions_app.ingest import flush
from tests.billing_server import BillingService
from tests.factories import (
    OrderFactory,
    OrderItemFactory,
    OrderSessionFactory,
    PaymentAttemptFactory,
    UserFactory,
    with_its_times,
)
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db

Call = Callable[..., Any]
READS: dict[str, Call] = {
    "order": lambda s, o, **h: s.get(f"/orders/{o}", **h),
    "session": lambda s, o, **h: s.get(f"/orders/{o}/session", **h),
}
CALLS: dict[str, Call] = {
    **READS,
    "retry": lambda s, o, **h: s.post(f"/orders/{o}/retry-payment", **h),
    "cancel": lambda s, o, **h: s.post(f"/orders/{o}/cancel", **h),
}


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    placed = shopper.order(world)
    report(attempt_of(placed), "failure")
    return placed


def listed(shopper: Shopper, cursor: str = "") -> dict[str, Any]:
    data: dict[str, Any] = shopper.get(f"/orders?cursor={cursor}").json()["data"]
    return data


@pytest.mark.parametrize("name", CALLS)
def test_the_visit_that_placed_it_may(name: str, order: Order, shopper: Shopper) -> None:
    assert CALLS[name](shopper, order.id).status_code == 200


@pytest.mark.parametrize("name", CALLS)
def test_whoever_has_its_token_may(name: str, order: Order) -> None:
    assert CALLS[name](Shopper(), order.id, **{"X-Order-Token": access_token(order.id)}).status_code == 200


@pytest.mark.parametrize("name", CALLS)
def test_the_customer_who_logged_in_may(name: str, order: Order) -> None:
    user = UserFactory()
    Customer.objects.update(user=user)
    later = Shopper()
    later.client.force_login(user)
    assert CALLS[name](later, order.id).status_code == 200


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "é", "A" * 22])
def test_to_a_stranger_it_does_not_exist(name: str, token: str, order: Order, world: World) -> None:
    stranger = Shopper()
    stranger.order(world)
    answer = CALLS[name](stranger, order.id, **{"X-Order-Token": token})
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")
    assert Order.objects.get(pk=order.pk).status == "pending"


@pytest.mark.parametrize("name", CALLS)
def test_to_another_customer_it_does_not_exist(name: str, order: Order) -> None:
    other = Shopper()
    other.client.force_login(UserFactory())
    assert CALLS[name](other, order.id).status_code == 404


@pytest.mark.parametrize("name", CALLS)
def test_another_orders_token_opens_nothing(name: str, order: Order, world: World) -> None:
    other = Shopper().order(world)
    assert CALLS[name](Shopper(), order.id, **{"X-Order-Token": access_token(other.id)}).status_code == 404


@pytest.mark.parametrize("name", CALLS)
def test_somebody_elses_and_none_at_all_are_answered_alike(name: str, order: Order) -> None:
    theirs, nobodys = (CALLS[name](Shopper(), id_).json() for id_ in (order.id, uuid4()))
    assert theirs | {"requestId": ""} == nobodys | {"requestId": ""}


def test_the_token_is_given_by_confirm_and_stored_hashed(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    token = shopper.buy(world)["orderToken"]
    order = Order.objects.get()
    assert order.access_token_hash == token_hash(token)
    assert Shopper().get(f"/orders/{order.id}", **{"X-Order-Token": token}).status_code == 200


def test_the_token_is_in_no_other_answer(order: Order, shopper: Shopper) -> None:
    for call in (*READS.values(), CALLS["cancel"]):
        assert access_token(order.id) not in call(shopper, order.id).content.decode()


def test_an_order_shows_lines_sums_window_attempts_and_history(order: Order, shopper: Shopper) -> None:
    shopper.retry(order)
    data = shopper.get(f"/orders/{order.id}").json()["data"]
    assert set(data) == {
        "orderId", "number", "status", "paymentStatus", "fulfillmentStatus", "carrier", "trackingNumber",
        "trackingUrl", "items", "summary", "refundedAmount", "couponCode", "email", "firstName", "lastName",
        "addresses", "shippingMethod", "session", "attempts", "history", "placedAt", "paidAt",
    }  # fmt: skip
    assert re.fullmatch(r"ORD-[0-9A-HJKMNP-TV-Z]{10}", data["number"])
    assert data["items"][0]["unitPrice"] == "20.00"
    assert data["summary"]["taxLines"] == [{"name": "Tax", "rate": "10", "amount": "3.00"}]
    assert [(a["number"], a["status"], bool(a["paymentUrl"])) for a in data["attempts"]] == [
        (1, "failure", False),
        (2, "open", True),
    ]
    assert [(h["status"], h["reason"]) for h in data["history"]] == [("pending", "placed")]
    assert data["placedAt"].endswith("Z")


@pytest.mark.parametrize(
    ("status", "refunded", "shown"),
    [
        ("pending", 0, "unpaid"),
        ("expired", 0, "unpaid"),
        ("success", 0, "paid"),
        ("success", 1, "partly_refunded"),
        ("success", 33, "refunded"),
    ],
)
def test_what_became_of_the_money(status: str, refunded: int, shown: str, order: Order, shopper: Shopper) -> None:
    Order.objects.update(refunded_amount=refunded, **with_its_times(status))
    assert shopper.get(f"/orders/{order.id}").json()["data"]["paymentStatus"] == shown


def test_an_order_shows_what_an_invoice_needs(world: World, billing: BillingService, shopper: Shopper) -> None:
    home = {
        "line1": "2 Low Street",
        "city": "Leeds",
        "postalCode": "LS1 1AA",
        "country": "GB",
        "line2": "",
        "region": "",
    }
    shopper.buy(world, firstName="Grace", lastName="Hopper", billingAddress=home)
    order = Order.objects.get()
    Order.objects.update(status="success", paid_at=now(), refunded_amount="1.5")
    data = shopper.get(f"/orders/{order.id}").json()["data"]
    assert (data["firstName"], data["lastName"]) == ("Grace", "Hopper")
    assert data["addresses"]["billing"] == home
    assert (data["shippingMethod"], data["refundedAmount"]) == ("Standard", "1.50")


@pytest.mark.parametrize("included", [True, False])
def test_an_order_says_how_its_tax_was_counted_whatever_the_shop_has_set_since(
    included: bool, world: World, billing: BillingService, shopper: Shopper, settings: LazySettings
) -> None:
    settings.PRICES_INCLUDE_TAX = included
    order = shopper.order(world)
    settings.PRICES_INCLUDE_TAX = not included
    assert shopper.get(f"/orders/{order.id}").json()["data"]["summary"]["taxIncluded"] is included


def test_a_change_is_seen_by_the_very_next_read(order: Order, shopper: Shopper) -> None:
    shopper.get(f"/orders/{order.id}")
    listed(shopper)
    shopper.post(f"/orders/{order.id}/cancel")
    assert shopper.get(f"/orders/{order.id}").json()["data"]["status"] == "cancelled"
    assert listed(shopper)["items"][0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(15 * 60, 15.0), (754.5, 12.6), (90.5, 1.5), (3.5, 0.1), (2.5, 0.0), (-5, 0.0)]
)
def test_the_session_counts_down_in_minutes_with_one_decimal(
    seconds: float, minutes: float, order: Order, shopper: Shopper
) -> None:
    window_ends(order, ago=-timedelta(seconds=seconds + 0.3))
    data = shopper.get(f"/orders/{order.id}/session").json()["data"]
    assert data["remainingMinutes"] == pytest.approx(minutes, abs=0.11)
    assert data["remainingMinutes"] == round(data["remainingMinutes"], 1)
    assert data["remainingSeconds"] in (max(int(seconds), 0), max(int(seconds) - 1, 0))


def test_the_session_says_what_may_still_be_done(order: Order, shopper: Shopper) -> None:
    data = shopper.get(f"/orders/{order.id}/session").json()["data"]
    session = OrderSession.objects.get()
    assert data | {"remainingSeconds": 0, "remainingMinutes": 0, "expiresAt": ""} == {
        "sessionId": str(session.id),
        "orderId": str(order.id),
        "status": "active",
        "expiresAt": "",
        "durationMinutes": 15,
        "remainingSeconds": 0,
        "remainingMinutes": 0,
        "paymentAttempts": 1,
        "maxPaymentAttempts": 3,
        "remainingAttempts": 2,
        "canRetry": True,
    }
    assert parse_datetime(data["expiresAt"]) == session.expires_at


def test_while_an_attempt_is_open_there_is_no_other_to_be_had(order: Order, shopper: Shopper) -> None:
    def can_retry() -> tuple[bool, bool]:
        window, whole = (shopper.get(f"/orders/{order.id}{more}").json()["data"] for more in ("/session", ""))
        return window["canRetry"], whole["session"]["canRetry"]

    shown = [can_retry()]
    shopper.retry(order)
    shown.append(can_retry())
    report(attempt_of(order, 2), "failure")
    shown.append(can_retry())
    assert shown == [(True, True), (False, False), (True, True)]


@pytest.mark.parametrize("ended", ["paid", "late"])
def test_when_nothing_can_be_paid_there_is_no_retry(ended: str, order: Order, shopper: Shopper) -> None:
    if ended == "late":
        window_ends(order)
    else:
        report(attempt_of(order), "success")
    data = shopper.get(f"/orders/{order.id}/session").json()["data"]
    assert (data["canRetry"], data["remainingSeconds"], data["remainingMinutes"]) == (False, 0, 0.0)


def test_cancelling_answers_the_cancelled_order(order: Order, shopper: Shopper) -> None:
    data = shopper.post(f"/orders/{order.id}/cancel").json()["data"]
    assert (data["status"], data["session"]["status"]) == ("cancelled", "cancelled")
    check_books()


def test_a_paid_order_cannot_be_cancelled(order: Order, shopper: Shopper) -> None:
    report(attempt_of(order), "success")
    answer = shopper.post(f"/orders/{order.id}/cancel")
    assert (answer.status_code, answer.json()["error"]) == (409, "ORDER_NOT_CANCELLABLE")


def test_the_list_is_of_own_orders_newest_first(world: World, billing: BillingService, shopper: Shopper) -> None:
    Shopper().order(world)
    mine = [shopper.order(world) for _ in range(3)]
    assert [item["orderId"] for item in listed(shopper)["items"]] == [str(order.id) for order in reversed(mine)]
    assert listed(Shopper()) == {"items": [], "next": None}


def many_orders(shopper: Shopper, number: int) -> list[str]:
    session_id = shopper.visit()["sessionId"]
    flush(consumer="test")
    ids = []
    for minutes in range(number):
        order = OrderFactory(visitor_session_id=session_id, placed_at=now() - timedelta(minutes=minutes // 2))
        OrderItemFactory(order=order)
        PaymentAttemptFactory(order_session=OrderSessionFactory(order=order))
        ids.append(str(order.id))
    return ids


def test_pages_hold_every_order_once(shopper: Shopper) -> None:
    expected = many_orders(shopper, 50)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listed(shopper, cursor)
        found += [item["orderId"] for item in page["items"]]
        cursor = page["next"]
    assert sorted(found) == sorted(expected)
    assert len(found) == 50


def test_a_page_takes_as_many_statements_however_many_it_holds(shopper: Shopper) -> None:
    many_orders(shopper, 2)
    with CaptureQueriesContext(connection) as few:
        listed(shopper)
    many_orders(shopper, 22)
    with CaptureQueriesContext(connection) as more:
        assert len(listed(shopper)["items"]) == 24
    assert len(few) == len(more) == 2


CURSORS = [
    "x",
    "%00",
    "[" * 150,
    "é",
    "A" * 201,
    encode_cursor([]),
    encode_cursor(["a"]),
    encode_cursor(["2026-01-01T00:00:00", str(uuid4())]),
    encode_cursor(["2026-02-31T00:00:00Z", str(uuid4())]),
    encode_cursor(["2026-01-01T00:00:00Z", "a"]),
    encode_cursor(["\ud800", "a"]),
]


@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_cursor_that_is_not_ours_is_refused(cursor: str, shopper: Shopper) -> None:
    answer = shopper.get(f"/orders?cursor={cursor}")
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")


def test_an_id_that_is_none_is_not_found(shopper: Shopper) -> None:
    answer = shopper.get("/orders/17")
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["put", "delete", "post", "patch"])
def test_another_method_is_refused_in_the_envelope(method: str, order: Order, shopper: Shopper) -> None:
    answer = shopper.call(method, f"/orders/{order.id}")
    assert (answer.status_code, answer.json()["error"]) == (405, "METHOD_NOT_ALLOWED")

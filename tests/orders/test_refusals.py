"""What is asked of an order that is not there, not theirs or over: answered, counted, said, and nothing changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import counts
from core.clock import now
from orders.counted import REQUESTS
from orders.models import Order, OrderSession, OrderStatusChange, PaymentAttempt
from orders.services import cancel_order, expire_due
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db

ASKED = {
    "session": lambda s, o: s.get(f"/orders/{o}/session"),
    "retry": lambda s, o: s.post(f"/orders/{o}/retry-payment"),
    "cancel": lambda s, o: s.post(f"/orders/{o}/cancel"),
}
Asked = tuple[Shopper, UUID]


def unknown(order: Order, shopper: Shopper) -> Asked:
    return shopper, uuid4()


def foreign(order: Order, shopper: Shopper) -> Asked:
    return Shopper(), order.pk


def paid(order: Order, shopper: Shopper) -> Asked:
    report(attempt_of(order), "success")
    return shopper, order.pk


def expired(order: Order, shopper: Shopper) -> Asked:
    window_ends(order)
    expire_due(now=now())
    return shopper, order.pk


def cancelled(order: Order, shopper: Shopper) -> Asked:
    cancel_order(order_id=order.pk, actor="customer", now=now())
    return shopper, order.pk


CASES: list[tuple[str, Callable[[Order, Shopper], Asked], int, str]] = [
    *[(asked, case, 404, "NOT_FOUND") for asked in ASKED for case in (unknown, foreign)],
    *[("session", case, 200, "") for case in (paid, expired, cancelled)],
    ("retry", paid, 409, "SESSION_NOT_ACTIVE"),
    ("retry", expired, 409, "SESSION_EXPIRED"),
    ("retry", cancelled, 409, "SESSION_NOT_ACTIVE"),
    *[("cancel", case, 409, "ORDER_NOT_CANCELLABLE") for case in (paid, expired, cancelled)],
]


def everything() -> list[Any]:
    """The rows that an order is made of."""
    tables = (Order, OrderSession, PaymentAttempt, OrderStatusChange)
    return [list(model.objects.order_by("pk").values()) for model in tables]


@pytest.mark.parametrize(("asked", "case", "status", "code"), CASES, ids=lambda word: getattr(word, "__name__", word))
def test_each_has_its_answer_its_count_and_its_line_and_changes_nothing(
    asked: str,
    case: Callable[[Order, Shopper], Asked],
    status: int,
    code: str,
    world: World,
    billing: BillingService,
    shopper: Shopper,
    caplog: pytest.LogCaptureFixture,
) -> None:
    who, order_id = case(shopper.order(world), shopper)
    before, calls = everything(), dict(billing.calls)
    with caplog.at_level(logging.INFO, "orders.api"):
        answer = ASKED[asked](who, order_id)
    assert (answer.status_code, answer.json().get("error", "")) == (status, code)
    counted = counts.counts(REQUESTS, now=now()).get(f"{now():%Y-%m-%d}", {})
    lines = [record.getMessage() for record in caplog.records if record.name == "orders.api"]
    assert counted == ({f"{asked} {code}": 1} if code else {})
    assert lines == ([f"order request refused: {asked} {code} (1 of today)"] if code else [])
    assert (everything(), dict(billing.calls)) == (before, calls)
    check_books()

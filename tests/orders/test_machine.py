"""Paying, expiring, cancelling, retrying and refunding in any order, with reports late, twice and out of order.

After every step no order is in an illegal state, and stock and money add up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core import integrity
from core.clock import now
from core.errors import DomainError
from orders.billing import Report
from orders.models import Order, PaymentAttempt, Refund
from orders.services import (
    accept_attention,
    cancel_order,
    dismiss_attention,
    expire_due,
    poll_billing,
    refund_attention,
    retry_payment,
    send_refunds,
    settle_attempt,
)
from tests.billing_server import BillingService, PaySession, billing_service
from tests.factories import CouponFactory
from tests.world import Shopper, World, check_books, window_ends

pytestmark = pytest.mark.django_db

LEGAL = {("", "pending")} | {("pending", end) for end in ("success", "failed", "expired", "cancelled")}
LEGAL |= {(end, "success") for end in ("failed", "expired", "cancelled")}
ANY = st.integers(0, 1000)
STEPS = int(os.environ.get("MACHINE_STEPS", "400"))
"""About so many; `make promises` takes 10,000."""


class Shop(RuleBasedStateMachine):
    """One shop, one billing service, whatever may happen to them."""

    billing: BillingService

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.billing.well()
        self.billing.sessions.clear()
        self.billing.by_key.clear()
        self.world = World()
        self.coupon = CouponFactory(max_uses=2)
        self.orders: list[Order] = []
        self.said: list[tuple[str, Report]] = []

    def teardown(self) -> None:
        try:
            assert [finding for finding in integrity.verify(now=now()) if finding.count] == []
        finally:
            self.leave()

    def leave(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def order(self, number: int) -> Order:
        return self.orders[number % len(self.orders)]

    def session(self, number: int) -> PaySession:
        sessions = list(self.billing.sessions.values())
        return sessions[number % len(sessions)]

    @rule(quantity=st.integers(1, 6), coupon=st.booleans())
    def place(self, quantity: int, coupon: bool) -> None:
        shopper = Shopper()
        answer = shopper.initiate((self.world.mug, quantity), (self.world.tea, 1))
        if answer.status_code != 201:
            assert answer.json()["error"] == "OUT_OF_STOCK"
            return
        checkout_id = answer.json()["data"]["checkoutId"]
        if coupon:
            shopper.apply(checkout_id, self.coupon.code)
        placed = shopper.confirm(checkout_id, self.world)
        assert placed.status_code == 201 or placed.json()["error"] in ("BILLING_UNAVAILABLE", "COUPON_USED_UP")
        self.orders = list(Order.objects.order_by("placed_at"))

    @precondition(lambda self: self.billing.sessions)
    @rule(number=ANY, status=st.sampled_from(["success", "success", "failure", "timeout"]), heard=st.booleans())
    def settle_at_billing(self, number: int, status: str, heard: bool) -> None:
        """The shopper acts at billing, which says so by a webhook, or does not."""
        session = self.session(number)
        if session.status == "open":
            self.billing.settle(session.checkout_id, status)
        attempt = PaymentAttempt.objects.filter(billing_checkout_id=session.checkout_id).first()
        if attempt is not None:
            self.said.append((session.checkout_id, Report(session.status, attempt.amount, attempt.currency)))
            if heard:
                self.hear(len(self.said) - 1)

    @precondition(lambda self: self.billing.sessions)
    @rule(number=ANY, amount=st.sampled_from(["0.00", "1.00", "500.00"]))
    def pay_another_amount(self, number: int, amount: str) -> None:
        """Billing takes something else than was agreed."""
        session = self.session(number)
        if session.status == "open":
            self.billing.settle(session.checkout_id, "success", amount=amount)
            self.said.append((session.checkout_id, Report("success", Decimal(amount), session.currency)))
            self.hear(len(self.said) - 1)

    @precondition(lambda self: self.orders)
    @rule(number=ANY, service=st.sampled_from([refund_attention, accept_attention, dismiss_attention]))
    def decide(self, number: int, service: Any) -> None:
        """Somebody of the staff looks at it."""
        allow(service, order_id=self.order(number).id, reason="why", actor="staff", now=now())

    @precondition(lambda self: self.said)
    @rule(number=ANY)
    def hear(self, number: int) -> None:
        """A webhook comes, perhaps late, perhaps again."""
        checkout_id, said = self.said[number % len(self.said)]
        settle_attempt(billing_checkout_id=checkout_id, report=said, actor="webhook", now=now())

    @rule()
    def poll(self) -> None:
        PaymentAttempt.objects.watched().update(next_poll_at=now())
        poll_billing(now=now())

    @precondition(lambda self: self.orders)
    @rule(number=ANY, minutes=st.sampled_from([0, 1, 3]))
    def let_the_window_pass(self, number: int, minutes: int) -> None:
        window_ends(self.order(number), ago=timedelta(minutes=minutes, seconds=1))

    @rule()
    def expire(self) -> None:
        expire_due(now=now())

    @precondition(lambda self: self.orders)
    @rule(number=ANY)
    def cancel(self, number: int) -> None:
        allow(cancel_order, order_id=self.order(number).id, actor="customer", now=now())

    @precondition(lambda self: self.orders)
    @rule(number=ANY)
    def retry(self, number: int) -> None:
        allow(retry_payment, order_id=self.order(number).id, now=now())

    @rule()
    def refund(self) -> None:
        send_refunds(now=now() + timedelta(hours=2))

    @rule(
        kind=st.sampled_from(["open", "get", "cancel", "refund"]),
        knob=st.sampled_from([{"down": True}, {"status": 500}]),
    )
    def billing_falls_ill(self, kind: str, knob: dict[str, Any]) -> None:
        self.billing.knob(kind, **knob)

    @rule()
    def billing_recovers(self) -> None:
        self.billing.well()

    @invariant()
    def books_agree(self) -> None:
        check_books()

    @invariant()
    def every_state_was_reached_legally(self) -> None:
        for order in Order.objects.prefetch_related("history").select_related("session"):
            steps = [(change.old, change.new) for change in order.history.all() if change.field == "status"]
            assert set(steps) <= LEGAL
            assert len(steps) == len(set(steps))
            assert (order.session.status == "active") == (order.status == "pending")
            assert order.session.payment_attempts == order.session.attempts.count() <= 3

    @invariant()
    def money_that_came_is_an_order_paid_or_goes_back(self) -> None:
        for order in Order.objects.all():
            attempts = PaymentAttempt.objects.filter(order_session__order=order)
            counted = attempts.exclude(counted_at=None)
            assert counted.count() == (order.status == "success")
            assert all(attempt.status == "success" and not attempt.refunds.exists() for attempt in counted)
            looked_at = order.history.filter(field="needs_attention", new="").exists()
            assert order.needs_attention or looked_at or not attempts.undecided().exists()
            back = Refund.objects.filter(attempt__in=attempts)
            assert all(refund.amount == refund.attempt.paid_amount for refund in back)
            assert bool(order.needs_attention) or looked_at or not back.exists()

    @invariant()
    def billing_gave_back_what_we_say_it_did(self) -> None:
        made = Refund.objects.filter(status="done").count()
        assert sum(len(session.refunds) for session in self.billing.sessions.values()) >= made


def allow(work: Any, **arguments: Any) -> None:
    """A refusal by the rules is an answer."""
    try:
        work(**arguments)
    except DomainError:
        return


@pytest.fixture
def machine(settings: LazySettings) -> Iterator[type[Shop]]:
    with billing_service(settings) as service:
        yield type("BoundShop", (Shop,), {"billing": service})


def test_whatever_happens_the_books_agree(machine: type[Shop]) -> None:
    steady = settings(
        max_examples=STEPS // 20,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=steady)

"""Paying, expiring, cancelling, retrying and refunding in any order, with reports late, twice and out of order.

After every step no order is in an illegal state, and stock and money add up.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from checkout.models import CouponUse
from core import integrity
from core.clock import now
from orders.models import Order, OrderSession, OrderStatusChange, OutboxEvent, PaymentAttempt, Refund
from tests.billing_server import billing_service
from tests.orders.machine import Shop
from tests.world import check_books

pytestmark = pytest.mark.django_db

LEGAL = {("", "pending")} | {("pending", end) for end in ("success", "failed", "expired", "cancelled")}
LEGAL |= {(end, "success") for end in ("failed", "expired", "cancelled")}
STEPS = int(os.environ.get("MACHINE_STEPS", "400"))
"""About so many; `make promises` takes 10,000."""


class WatchedShop(Shop):
    """What must hold after each step, and in the end."""

    def teardown(self) -> None:
        try:
            self.billing.well()
            self.poll()
            self.send_refunds(lost=False)
            self.all_money_at_billing_is_known()
            assert [finding for finding in integrity.verify(now=now()) if finding.count] == []
        finally:
            self.leave()

    def all_money_at_billing_is_known(self) -> None:
        """Whether a webhook came or not; and what was to go back is back."""
        for session in self.billing.sessions.values():
            attempt = PaymentAttempt.objects.filter(billing_checkout_id=session.checkout_id).first()
            assert attempt is None or (attempt.status == "success") == (session.status == "success")
        assert not Refund.objects.exclude(status="done").exists()
        self.billing_gives_back_what_it_took_once()

    @invariant()
    def books_agree(self) -> None:
        check_books()
        assert not CouponUse.objects.exclude(order__status__in=["pending", "success"]).exists()

    @invariant()
    def every_state_was_reached_legally(self) -> None:
        for order in Order.objects.prefetch_related("history").select_related("session"):
            steps = [(change.old, change.new) for change in order.history.all() if change.field == "status"]
            assert set(steps) <= LEGAL
            assert len(steps) == len(set(steps))
            assert (order.session.status == "active") == (order.status == "pending")
            assert order.session.payment_attempts == order.session.attempts.count() <= self.attempts

    @invariant()
    def the_last_failure_closes(self) -> None:
        for window in OrderSession.objects.filter(status="active", payment_attempts=F("max_payment_attempts")):
            last = window.attempts.get(number=window.payment_attempts)
            failed_in_time = last.resolved_at is not None and last.resolved_at < window.expires_at
            assert last.status in ("open", "success") or not failed_in_time

    @invariant()
    def others_are_told_each_change_once(self) -> None:
        changes = OrderStatusChange.objects.filter(field="status").count()
        retries = PaymentAttempt.objects.filter(number__gt=1).count()
        back = Refund.objects.filter(status="done").count()
        told = Counter(OutboxEvent.objects.values_list("topic", flat=True))
        assert (told.pop("payment.retry", 0), told.pop("order.refunded", 0)) == (retries, back)
        assert told.total() == changes

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
            assert len({refund.attempt_id for refund in back}) == len(back)
            assert bool(order.needs_attention) or looked_at or not back.exists()

    @invariant()
    def what_was_agreed_pays_or_goes_back_by_itself_and_nothing_else_pays(self) -> None:
        for attempt in PaymentAttempt.objects.filter(status="success"):
            accepted = attempt.order_session.order.history.filter(reason="accepted").exists()
            agreed = (attempt.paid_amount, attempt.paid_currency) == (attempt.amount, attempt.currency)
            assert agreed or accepted or attempt.counted_at is None
            assert not agreed or attempt.counted_at is not None or attempt.refunds.exists()

    @invariant()
    def billing_gives_back_what_it_took_once(self) -> None:
        for session in self.billing.sessions.values():
            if session.refunds:
                attempt = PaymentAttempt.objects.get(billing_checkout_id=session.checkout_id)
                assert (session.status, attempt.counted_at) == ("success", None)
                assert [Decimal(amount) for amount in session.refunds.values()] == [Decimal(session.amount)]
        for refund in Refund.objects.filter(status="done").select_related("attempt"):
            assert self.billing.sessions[refund.attempt.billing_checkout_id].refunds


@pytest.fixture
def machine(settings: LazySettings) -> Iterator[type[WatchedShop]]:
    with billing_service(settings) as service:
        yield type("BoundShop", (WatchedShop,), {"billing": service, "settings": settings})


def test_whatever_happens_the_books_agree(machine: type[WatchedShop]) -> None:
    steady = settings(
        max_examples=STEPS // 40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=steady)

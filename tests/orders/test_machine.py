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
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from orders.models import Order, OrderSession, OrderStatusChange, OutboxEvent, PaymentAttempt, Refund
from tests.billing_server import billing_service
from tests.orders.machine import Shop
from tests.world import check_books

pytestmark = pytest.mark.django_db

LEGAL = {("", "pending")} | {("pending", end) for end in ("success", "failed", "expired", "cancelled")}
LEGAL |= {(end, "success") for end in ("failed", "expired", "cancelled")}
USUAL_STEPS = 400
STEPS = int(os.environ.get("MACHINE_STEPS", USUAL_STEPS))
"""About so many; `make promises` takes 10,000."""
STEADY = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


class WatchedShop(Shop):
    """What must hold after each step, and in the end."""

    def teardown(self) -> None:
        try:
            self.billing.well()
            self.poll()
            self.send_refunds(lost=False)
            self.all_money_at_billing_is_known()
            check_books()
        finally:
            self.leave()

    def all_money_at_billing_is_known(self) -> None:
        """Whether a webhook came or not; and what was to go back is back."""
        for session in self.billing.sessions.values():
            attempt = PaymentAttempt.objects.filter(billing_checkout_id=session.checkout_id).first()
            assert attempt is None or (attempt.status == "success") == (session.status == "success")
        assert not Refund.objects.exclude(status="done").exists()
        self.billing_gives_back_what_was_asked_for_once()

    @invariant()
    def books_agree(self) -> None:
        check_books()

    @invariant()
    def every_state_was_reached_legally(self) -> None:
        for order in Order.objects.prefetch_related("history").select_related("session"):
            steps = [(change.old, change.new) for change in order.history.all() if change.field == "status"]
            assert set(steps) <= LEGAL
            assert len(steps) == len(set(steps))
            assert order.session.payment_attempts <= self.attempts

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
    def what_was_agreed_pays_or_goes_back_by_itself_and_nothing_else_pays(self) -> None:
        for attempt in PaymentAttempt.objects.filter(status="success").select_related("order_session"):
            took = self.billing.sessions[attempt.billing_checkout_id]
            assert (attempt.paid_amount, attempt.paid_currency) == (Decimal(took.amount), took.currency)
            agreed = (attempt.paid_amount, attempt.paid_currency) == (attempt.amount, attempt.currency)
            accepted = OrderStatusChange.objects.filter(order=attempt.order_session.order_id, reason="accepted")
            assert agreed or attempt.counted_at is None or accepted.exists()
            assert not agreed or attempt.counted_at is not None or attempt.refunds.exists()

    @invariant()
    def no_more_goes_back_than_came(self) -> None:
        going_back = PaymentAttempt.objects.filter(refunds__isnull=False).distinct()
        for attempt in going_back.select_related("order_session__order"):
            order, back = attempt.order_session.order, attempt.refunds.aggregate(sum=Sum("amount"))["sum"]
            assert back <= attempt.paid_amount
            assert attempt.counted_at is None or order.refunded_amount <= back <= order.total

    @invariant()
    def billing_gives_back_what_was_asked_for_once(self) -> None:
        refunds = {str(refund.pk): refund for refund in Refund.objects.select_related("attempt")}
        given = {key: session for session in self.billing.sessions.values() for key in session.refunds}
        for key, session in given.items():
            asked_for = refunds[key]
            assert asked_for.of_attempt.billing_checkout_id == session.checkout_id
            assert asked_for.amount == Decimal(session.refunds[key])
        assert {key for key, refund in refunds.items() if refund.status == "done"} <= set(given)


@pytest.fixture
def machine(settings: LazySettings) -> Iterator[type[WatchedShop]]:
    with billing_service(settings) as service:
        yield type("BoundShop", (WatchedShop,), {"billing": service, "settings": settings})


def test_whatever_happens_the_books_agree(machine: type[WatchedShop]) -> None:
    run_state_machine_as_test(machine, settings=settings(STEADY, max_examples=STEPS // 40, stateful_step_count=40))

"""What it costs to settle a payment."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.checkouts import counted
from benchmarks.many_orders import pattern
from benchmarks.measurement import Measurement, require
from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.providers.contract import Report
from orders.services import settle_attempt


def settle_sql() -> Measurement:
    """Statements to settle the payment of an order of three lines and a coupon, from billing's report to the commit.
    Everything sent to PostgreSQL is counted, BEGIN, SAVEPOINT and COMMIT as well.
    """
    settle(open_attempt(pattern()))  # the first fills caches
    order = pattern()
    attempt = open_attempt(order)
    with CaptureQueriesContext(connection) as captured:
        settle(attempt)
    order.refresh_from_db()
    require(order.status == Order.Status.SUCCESS, f"the order is {order.status}")
    require(order.customer.total_orders == 1, "the customer's totals are not those of the order")
    return counted([query["sql"] for query in captured.captured_queries])


def open_attempt(order: Order) -> PaymentAttempt:
    """Where the order is paid."""
    return PaymentAttempt.objects.get(order_session__order=order)


def settle(attempt: PaymentAttempt) -> None:
    """Billing has the money."""
    report = Report("success", attempt.amount, attempt.currency)
    settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=report, actor="webhook", now=now())

"""What it costs to close the orders that nobody paid."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection

from benchmarks.many_orders import many_orders, pattern, stock
from benchmarks.measurement import Measurement, Sample, alternate, require
from core import integrity
from core.clock import now
from orders.models import Order, OrderSession, OrderStatusChange, OutboxEvent
from orders.services import expire_due

ORDERS = 10_000
ROUNDS = 3
LEAST = (
    """UPDATE orders_order o SET status = 'expired', closed_at = now()
       FROM orders_ordersession s WHERE s.order_id = o.id AND s.status = 'active' AND s.expires_at <= now()""",
    "UPDATE orders_ordersession SET status = 'expired' WHERE status = 'active' AND expires_at <= now()",
)


def expire() -> Measurement:
    """Seconds to expire 10,000 due orders of three lines and a coupon, whose attempt has failed, with all that goes
    with it (stock, coupon, checkout, history, outbox), against one UPDATE of as many orders and one of their sessions.
    """
    like = pattern()
    expired(like)  # warms up
    least(like)
    return alternate(lambda: expired(like), lambda: least(like), unit="s", rounds=ROUNDS)


def due(like: Order) -> None:
    """Orders whose window has passed."""
    end = now() - timedelta(minutes=1)
    many_orders(like, count=ORDERS, expires_at=end, attempt="failure")


def expired(like: Order) -> Sample:
    """One draining.

    Raises:
        NotDoneError: not all were closed, with all that goes with it.
    """
    before = stock()
    due(like)
    begun, spent = time.perf_counter(), time.process_time()
    closed = runs = 0
    while done := expire_due(now=now()).expired:
        closed += done
        runs += 1
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    require(closed == ORDERS, f"{closed} orders were expired")
    require(stock() == before, "not all stock came back")
    check_rows()
    return Sample(seconds, {"CPU s": spent, "runs": runs})


def check_rows() -> None:
    """Every expired order of ours has its history and its outbox row, and the books agree.

    Raises:
        NotDoneError: not so.
    """
    ids = Order.objects.filter(status="expired", history__actor="expire_orders").values("id")
    announced = OutboxEvent.objects.filter(topic="order.expired").count()
    changes = OrderStatusChange.objects.filter(new="expired", order__in=ids).count()
    require(announced == changes == ids.count(), f"{announced} events, {changes} changes, {ids.count()} orders")
    require(not OrderSession.objects.due(now()).exists(), "a window is active still")
    broken = [finding.check.name for finding in integrity.verify(now=now()) if finding.count]
    # The floor gives nothing back and writes no history: its orders break these.
    left_by_the_floor = {"order_holds_its_stock", "history_ends_in_the_status", "coupon_use_is_of_a_live_order"}
    require(not set(broken) - left_by_the_floor - {"checkout_ends_as_its_order"}, f"broken: {broken}")


def least(like: Order) -> Sample:
    """The floor's two statements."""
    due(like)
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        for statement in LEAST:
            cursor.execute(statement)
            require(cursor.rowcount == ORDERS, f"the floor changed {cursor.rowcount} rows")
    return Sample(time.perf_counter() - begun)

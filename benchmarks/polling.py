"""What a round of the poll takes while billing takes its time."""

from __future__ import annotations

import time
from datetime import timedelta

from benchmarks.many_orders import COPY, many_orders, pattern
from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.slow_billing import ANSWER_SECONDS, PAID_OF_TEN, slow_billing
from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.services import poll_billing
from orders.services.asking import AT_ONCE

ATTEMPTS = 1_000
ROUNDS = 3


def poll_round() -> Measurement:
    """Seconds of a round over 1,000 open attempts, of which one in ten was paid and is settled, while billing takes 1 s
    for each answer, against what the answers alone take, 100 at once.
    """
    like = pattern()
    at_billing = PaymentAttempt.objects.get(order_session__order=like).billing_order_id
    with slow_billing({"orderId": at_billing, "amount": str(like.total), "currency": like.currency}):
        return alternate(
            lambda: polled(like), lambda: Sample(ATTEMPTS * ANSWER_SECONDS / AT_ONCE), unit="s", rounds=ROUNDS
        )


def polled(like: Order) -> Sample:
    """One round; afterwards nobody asks about its attempts any more.

    Raises:
        NotDoneError: not all were asked about, or settled.
    """
    PaymentAttempt.objects.update(next_poll_at=None)
    before = Order.objects.paid().count()
    end = now() + timedelta(minutes=15)
    many_orders(like, count=ATTEMPTS, expires_at=end, attempt="open")
    at = now()
    fresh = PaymentAttempt.objects.filter(status="open", poll_count=0, billing_checkout_id__startswith=COPY)
    fresh.update(next_poll_at=at)
    begun, spent = time.perf_counter(), time.process_time()
    done = poll_billing(now=at)
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    paid = Order.objects.paid().count() - before
    wanted = ATTEMPTS * PAID_OF_TEN // 10
    require((done.checked, done.changed, done.errors) == (ATTEMPTS, wanted, {}), f"the round says {done}")
    require(paid == wanted, f"{paid} orders were paid")
    return Sample(seconds, {"CPU s": spent})

"""The state machine finds bugs: each of these is planted in our services, and it must not get through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import F
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from orders.models import Order, OrderSession, PaymentAttempt, Refund
from orders.providers.contract import PollError, Report
from orders.services import closing, payment, refunds, settling, transitions
from tests.orders.test_machine import STEADY, STEPS, USUAL_STEPS, WatchedShop, machine

__all__ = ["machine"]
pytestmark = pytest.mark.django_db
Plant = Callable[[pytest.MonkeyPatch], None]
SEARCH = settings(
    STEADY,
    max_examples=max(12, STEPS // 80),
    stateful_step_count=25,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
"""The same each time. It ends with what it finds first, which need not be made smaller."""


def no_stock_comes_back(plant: pytest.MonkeyPatch) -> None:
    """Orders that expire, fail or are cancelled keep their pieces."""
    plant.setattr(transitions, "release_stock", lambda **_orders: None)


def any_amount_pays(plant: pytest.MonkeyPatch) -> None:
    """What billing took is not compared with what was agreed."""
    settle = settling.settle_success

    def compare_nothing(order: Order, attempt: PaymentAttempt, report: Report, **more: Any) -> None:
        attempt.amount, attempt.currency = report.amount or Decimal(0), report.currency
        settle(order, attempt, report, **more)

    plant.setattr(settling, "settle_success", compare_nothing)


def a_retry_prolongs_the_window(plant: pytest.MonkeyPatch) -> None:
    """Stock is held for ever by whoever retries."""
    record = payment.record_attempt

    def prolong(order: Order, **more: Any) -> PaymentAttempt | None:
        OrderSession.objects.filter(order=order).update(expires_at=F("expires_at") + timedelta(minutes=15))
        return record(order, **more)

    plant.setattr(payment, "record_attempt", prolong)


def late_money_is_ignored(plant: pytest.MonkeyPatch) -> None:
    """Who pays an order that has expired hears nothing of it again."""
    settle = settling.settle_success

    def ignore(order: Order, attempt: PaymentAttempt, report: Report, **more: Any) -> None:
        if order.status != Order.Status.EXPIRED:
            settle(order, attempt, report, **more)

    plant.setattr(settling, "settle_success", ignore)


def not_found_means_that_nobody_paid(plant: pytest.MonkeyPatch) -> None:
    """A proxy's 404 to the last question is taken for billing's word."""
    ask = closing.cancelled_or_paid

    async def believe(*question: Any) -> Report | PollError:
        word = await ask(*question)
        return Report("timeout") if isinstance(word, PollError) and str(word) == "HTTP 404" else word

    plant.setattr(closing, "cancelled_or_paid", believe)


def a_refund_counts_twice(plant: pytest.MonkeyPatch) -> None:
    """What goes back of a sale is taken off its order and its customer twice."""
    take_off = refunds.take_off

    def take_off_twice(order: Order, refund: Refund, *, now: datetime) -> None:
        for _time in range(2):
            take_off(order, refund, now=now)

    plant.setattr(refunds, "take_off", take_off_twice)


FOUND_SOON: list[Plant] = [any_amount_pays, a_retry_prolongs_the_window, a_refund_counts_twice]
FOUND_LATER: list[Plant] = [no_stock_comes_back, late_money_is_ignored, not_found_means_that_nobody_paid]
"""By `make promises`."""
PLANTED = FOUND_SOON + (FOUND_LATER if STEPS > USUAL_STEPS else [])


@pytest.mark.parametrize("bug", PLANTED, ids=[bug.__name__ for bug in PLANTED])
def test_the_machine_finds_what_is_planted(
    bug: Plant, machine: type[WatchedShop], monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    with pytest.raises((AssertionError, IntegrityError)):
        run_state_machine_as_test(machine, settings=SEARCH)

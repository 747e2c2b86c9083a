"""Paying, expiring, cancelling and retrying at once: one wins, the others see its result."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import Client

from core.clock import now
from core.errors import DomainError
from customers.models import Customer
from orders.models import Order, OutboxEvent, PaymentAttempt, Refund
from orders.services import cancel_order, expire_due, poll_billing, retry_payment, send_refunds
from orders.services.polling import LEASE, claim
from orders.services.transitions import mark_paid
from tests.billing_server import BillingService
from tests.world import (
    Shopper,
    World,
    attempt_of,
    check_books,
    deadlocks,
    report,
    secret_of,
    signed,
    together,
    webhook_body,
    window_ends,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("crowd")]
ROUNDS = 6


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


def test_reports_that_come_at_once_have_one_effect(order: Order) -> None:
    attempt = attempt_of(order)
    together(12, lambda _place: report(attempt, "success"))
    assert Customer.objects.get().total_orders == 1
    assert [change.new for change in order.history.all()] == ["pending", "success"]
    assert OutboxEvent.objects.filter(topic="order.paid").count() == 1
    check_books()


def test_control_without_the_lock_they_have_two(order: Order) -> None:
    both_have_read = threading.Barrier(2)

    def settle(_place: int) -> None:
        found = Order.objects.select_related("session").get(pk=order.pk)
        both_have_read.wait(10)
        if found.status == "pending":
            with transaction.atomic():
                mark_paid(found, actor="test", reason="paid", now=now())

    together(2, settle)
    with pytest.raises(AssertionError):
        check_books()


def race(*works: Callable[[], Any]) -> list[str]:
    """What became of each."""
    results = together(len(works), lambda place: works[place]())
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, DomainError):
            raise result
    return [result.code if isinstance(result, DomainError) else "done" for result in results]


def report_one(attempts: Sequence[PaymentAttempt], place: int) -> None:
    """Money by one of them."""
    report(attempts[place], "success")


def test_expiring_and_paying(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        attempt = attempt_of(order)
        window_ends(order)
        race(lambda: expire_due(now=now()), partial(report, attempt, "success"))
        assert Order.objects.get(pk=order.pk).status == "success"
    assert Customer.objects.filter(total_orders=1).count() == ROUNDS
    check_books()


def test_cancelling_and_paying(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        attempt = attempt_of(order)
        race(
            partial(cancel_order, order_id=order.id, actor="customer", now=now()),
            partial(report, attempt, "success"),
        )
        assert Order.objects.get(pk=order.pk).status == "success"
    check_books()


def test_cancelling_and_expiring(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        window_ends(order)
        race(
            partial(cancel_order, order_id=order.id, actor="customer", now=now()),
            lambda: expire_due(now=now()),
            lambda: expire_due(now=now()),
        )
        assert Order.objects.get(pk=order.pk).status in ("cancelled", "expired")
        assert order.history.count() == 2
    check_books()


def test_two_retries_open_one_attempt(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        report(attempt_of(order), "failure")
        found = race(*[partial(retry_payment, order_id=order.id, now=now())] * 4)
        assert set(found) <= {"done", "PAYMENT_IN_PROGRESS"}
        assert PaymentAttempt.objects.filter(order_session__order=order).count() == 2
    assert len(billing.sessions) == 2 * ROUNDS


def test_retrying_and_late_paying_of_the_attempt_before(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        first = attempt_of(order)
        report(first, "failure")
        race(partial(retry_payment, order_id=order.id, now=now()), partial(report, first, "success"))
        assert Order.objects.get(pk=order.pk).status == "success"
    check_books()


def test_two_attempts_paid_at_once_pay_once_and_one_goes_back(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        report(attempt_of(order), "failure")
        retry_payment(order_id=order.id, now=now())
        attempts = [attempt_of(order, number) for number in (1, 2)]
        together(2, partial(report_one, attempts))
    assert Refund.objects.count() == ROUNDS
    check_books()


def test_settling_and_placing_for_one_customer_and_product_never_wait_in_a_ring(
    world: World, billing: BillingService
) -> None:
    before = deadlocks()
    shoppers = [Shopper() for _ in range(8)]
    for shopper in shoppers:
        shopper.email = "ada@example.com"
    type(world.mug).objects.update(track_stock=False)

    def work(place: int) -> None:
        for _ in range(4):
            report(attempt_of(shoppers[place].order(world, (world.mug, 1), (world.tea, 1))), "success")

    race(*[partial(work, place) for place in range(8)])
    assert deadlocks() == before
    assert Customer.objects.get().total_orders == 32


def test_two_polls_at_once_ask_about_each_attempt_once(world: World, billing: BillingService) -> None:
    for _ in range(6):
        Shopper().order(world, (world.tea, 1))
    PaymentAttempt.objects.update(next_poll_at=now())
    billing.knob("get", delay=0.05)
    results = together(3, lambda _place: poll_billing(now=now()))
    assert sum(result.checked for result in results) == billing.calls["get"] == 6


def test_what_one_worker_is_about_to_take_another_passes_over(world: World, billing: BillingService) -> None:
    orders = [Shopper().order(world, (world.tea, 1)) for _ in range(3)]
    PaymentAttempt.objects.update(next_poll_at=now())
    taken, passed = threading.Event(), threading.Event()

    def work(place: int) -> int:
        if place == 0:
            with transaction.atomic():
                found = len(claim(now=now(), most=100, lease=now() + LEASE))
                taken.set()
                passed.wait(10)
            return found
        taken.wait(10)
        found = len(claim(now=now(), most=100, lease=now() + LEASE))
        passed.set()
        return found

    assert together(2, work) == [len(orders), 0]


def test_two_senders_at_once_refund_once(world: World, billing: BillingService, order: Order) -> None:
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    for number in (1, 2):
        report(attempt_of(order, number), "success")
    assert sum(together(4, lambda _place: send_refunds(now=now()))) == 1
    assert billing.calls["refund"] == 1


def test_one_webhook_delivered_many_times_at_once_is_handled_once(
    billing: BillingService, order: Order, settings: LazySettings
) -> None:
    settings.BILLING_WEBHOOK_SECRETS = [secret_of("race")]
    billing.settle(billing.only().checkout_id, "success")
    body = json.dumps(webhook_body(billing.only()))
    headers = signed(body, secret=secret_of("race"))
    answers = together(
        10,
        lambda _place: Client().post(
            "/api/v1/billing/webhook", data=body, content_type="application/json", headers=headers
        ),
    )
    assert Counter(answer.json()["data"]["handled"] for answer in answers) == {True: 1, False: 9}
    check_books()


def test_many_expirers_at_once_close_each_order_once(world: World, billing: BillingService) -> None:
    orders = [Shopper().order(world, (world.tea, 1)) for _ in range(8)]
    for order in orders:
        report(attempt_of(order), "timeout")
        window_ends(order)
    assert sum(together(4, lambda _place: expire_due(now=now()).expired)) == 8
    check_books()

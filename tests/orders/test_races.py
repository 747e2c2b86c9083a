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
from django.db import IntegrityError, transaction
from django.test import Client

from catalog.models import Product
from core.clock import now
from core.errors import DomainError
from customers.models import Customer
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt, Refund
from orders.providers import registry
from orders.services import cancel_order, expire_due, poll_billing, refund_order, retry_payment, send_refunds
from orders.services.polling import LEASE, claim
from orders.services.refunds import send
from orders.services.transitions import end_unpaid, mark_paid
from tests.billing_server import BillingService
from tests.factories import CouponFactory, ProductFactory
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
    assert [change.new for change in order.history.filter(field="status")] == ["pending", "success"]
    assert OutboxEvent.objects.filter(topic="order.paid").count() == 1
    check_books()


def become(order: Order, status: str) -> None:
    """The order is paid, or closed: the step of our services without the lock, which is their caller's."""
    with transaction.atomic():
        if status == "success":
            mark_paid(order, actor="test", reason="paid", now=now())
        else:
            end_unpaid([order], Order.Status(status), actor="test", reason="closed", now=now())


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(("success", "success"), id="reports that come at once, one webhook delivered many times"),
        pytest.param(("expired", "success"), id="expiring and paying"),
        pytest.param(("cancelled", "success"), id="cancelling and paying"),
        pytest.param(("cancelled", "expired"), id="cancelling and expiring"),
        pytest.param(("expired", "expired"), id="many expirers"),
    ],
)
def test_control_without_the_lock_both_happen_or_postgresql_refuses(ends: tuple[str, str], order: Order) -> None:
    both_have_read = threading.Barrier(2)

    def close(place: int) -> None:
        found = Order.objects.select_related("session").get(pk=order.pk)
        both_have_read.wait(10)
        assert found.status == "pending"
        become(found, ends[place])

    with pytest.raises((AssertionError, IntegrityError)):
        all_is_well(together(2, close))


def all_is_well(results: Sequence[Any]) -> None:
    """What the races ask at their end."""
    nothing_raised(results)
    check_books()


def nothing_raised(results: Sequence[Any]) -> None:
    """Raises what one of them raised, but for refusals by the rules."""
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, DomainError):
            raise result


def race(*works: Callable[[], Any]) -> list[str]:
    """What became of each."""
    results = together(len(works), lambda place: works[place]())
    nothing_raised(results)
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
        assert order.history.filter(field="status").count() == 2
    check_books()


def test_two_retries_open_one_attempt(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        order = Shopper().order(world)
        report(attempt_of(order), "failure")
        found = race(*[partial(retry_payment, order_id=order.id, now=now())] * 4)
        assert set(found) <= {"done", "PAYMENT_IN_PROGRESS"}
        assert PaymentAttempt.objects.filter(order_session__order=order).count() == 2
    assert len(billing.sessions) == 2 * ROUNDS
    check_books()


def test_control_without_the_key_and_the_condition_each_retry_opens_its_own(
    order: Order, billing: BillingService
) -> None:
    report(attempt_of(order), "failure")
    both_have_read = threading.Barrier(2)

    def retry(place: int) -> None:
        session = OrderSession.objects.get(order=order)
        both_have_read.wait(10)
        session.payment_attempts += 1
        opened = registry.to_open("billing").open_pay_session(
            reference=order.number,
            amount=order.total,
            currency=order.currency,
            description="",
            return_url="",
            expires_at=session.expires_at,
            key=f"retry {place}",
        )
        with transaction.atomic():
            session.save()
            PaymentAttempt.objects.create(
                order_session=session,
                number=session.payment_attempts,
                billing_checkout_id=opened.checkout_id,
                amount=order.total,
                opened_at=now(),
            )

    found = together(2, retry)
    assert sorted(type(result).__name__ for result in found) == ["IntegrityError", "NoneType"]
    assert len(billing.sessions) == 3


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


def test_orders_of_one_customer_product_and_coupon_never_wait_for_each_other_in_a_ring(
    world: World, billing: BillingService
) -> None:
    """Placed, paid, cancelled, and paid after that, all at the same moment."""
    before = deadlocks()
    coupon, shoppers = CouponFactory.create().code, [Shopper() for _ in range(8)]
    for shopper in shoppers:
        shopper.email = "ada@example.com"
    plenty = [(product, 1) for product in ProductFactory.create_batch(2, stock_quantity=32)]

    def work(place: int) -> None:
        for turn in range(4):
            order = shoppers[place].order(world, *plenty, coupon=coupon)
            if (place + turn) % 2:
                cancel_order(order_id=order.id, actor="customer", now=now())
            report(attempt_of(order), "success")

    race(*[partial(work, place) for place in range(8)])
    assert deadlocks() == before
    assert Customer.objects.get().total_orders == 32
    check_books()


def test_control_with_the_products_before_the_customer_they_do(order: Order) -> None:
    before, both_hold_one = deadlocks(), threading.Barrier(2)
    product, customer = Product.objects.filter(name="Mug"), Customer.objects.all()

    def hold(place: int) -> None:
        first, second = [product, customer][:: 1 if place else -1]
        with transaction.atomic():
            list(first.select_for_update())
            both_hold_one.wait(10)
            list(second.select_for_update())

    assert sorted(type(result).__name__ for result in together(2, hold)) == ["NoneType", "OperationalError"]
    assert deadlocks() == before + 1


def test_two_polls_at_once_ask_about_each_attempt_once(world: World, billing: BillingService) -> None:
    for _ in range(6):
        Shopper().order(world, (world.tea, 1))
    PaymentAttempt.objects.update(next_poll_at=now())
    billing.knob("get", delay=0.05)
    results = together(3, lambda _place: poll_billing(now=now()))
    assert sum(result.checked for result in results) == billing.calls["get"] == 6
    check_books()


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


def test_control_without_the_claim_each_poller_takes_all(world: World, billing: BillingService) -> None:
    for _ in range(3):
        Shopper().order(world, (world.tea, 1))
    PaymentAttempt.objects.update(next_poll_at=now())
    both_have_read = threading.Barrier(2)

    def take(_place: int) -> int:
        due = PaymentAttempt.objects.filter(next_poll_at__lte=now())
        found = len(due)
        both_have_read.wait(10)
        due.update(next_poll_at=now() + LEASE)
        return found

    assert together(2, take) == [3, 3]


def test_two_senders_at_once_refund_once(world: World, billing: BillingService, order: Order) -> None:
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    for number in (1, 2):
        report(attempt_of(order, number), "success")
    assert sum(together(4, lambda _place: send_refunds(now=now()))) == 1
    assert billing.calls["refund"] == 1
    check_books()


def test_control_without_the_claim_each_sender_sends_it(world: World, billing: BillingService, order: Order) -> None:
    report(attempt_of(order), "success")
    refund_order(order_id=order.id, reason="it broke", actor="staff", now=now())
    both_have_read = threading.Barrier(2)

    def send_unclaimed(_place: int) -> bool:
        refund = Refund.objects.select_related("attempt").get(status="requested")
        both_have_read.wait(10)
        return send(refund, now=now())

    assert sum(together(2, send_unclaimed)) == 2
    assert billing.calls["refund"] == 2


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

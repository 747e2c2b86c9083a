"""Paying, expiring, cancelling and retrying at once: one wins, the others see its result."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test import Client

from catalog.models import Product
from core.clock import now
from core.errors import DomainError
from customers.models import Customer
from orders.models import Order, OutboxEvent, PaymentAttempt, Refund
from orders.providers import billing_service
from orders.services import (
    cancel_order,
    expire_due,
    payment,
    placing,
    poll_billing,
    polling,
    refunds,
    retry_payment,
    send_refunds,
)
from orders.services.placing import OrderDraft
from orders.services.polling import LEASE, claim
from orders.services.transitions import end_unpaid, mark_paid
from tests.billing_server import BillingService
from tests.factories import CouponFactory, ProductFactory
from tests.world import (
    Shopper,
    World,
    altered,
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


def retry_at_once(world: World) -> list[str]:
    """What becomes of four retries at once of an order whose first attempt failed."""
    order = Shopper().order(world)
    report(attempt_of(order), "failure")
    return race(*[partial(retry_payment, order_id=order.id, now=now())] * 4)


def test_two_retries_open_one_attempt(world: World, billing: BillingService) -> None:
    for _ in range(ROUNDS):
        assert set(retry_at_once(world)) <= {"done", "PAYMENT_IN_PROGRESS"}
    assert PaymentAttempt.objects.count() == len(billing.sessions) == 2 * ROUNDS
    check_books()


def test_control_without_the_key_and_the_condition_each_retry_opens_its_own(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses to note more than one: the others are told that billing is of no use."""
    real = billing_service.headers
    monkeypatch.setattr(billing_service, "headers", lambda _key="": real(str(uuid4())))
    condition = " AND s.payment_attempts = %(number)s - 1"
    monkeypatch.setattr(payment, "NOTE_ATTEMPT", altered(payment.NOTE_ATTEMPT, (condition, "")))
    billing.knob("open", delay=0.2)
    assert "BILLING_UNAVAILABLE" in retry_at_once(world)
    assert len(billing.sessions) > 2


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


def place_pay_and_cancel_at_once(world: World) -> list[Any]:
    """Orders of one customer, coupon and product are placed, paid, cancelled, and paid after that, all at the same
    moment; what 8 who do that raised.
    """
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

    return together(8, work)


def test_orders_of_one_customer_product_and_coupon_never_wait_for_each_other_in_a_ring(
    world: World, billing: BillingService
) -> None:
    before = deadlocks()
    nothing_raised(place_pay_and_cancel_at_once(world))
    assert deadlocks() == before
    assert Customer.objects.get().total_orders == 32
    check_books()


def test_control_with_the_products_before_the_customer_they_do(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def order_fields(draft: OrderDraft, *more: Any, **names: Any) -> dict[str, Any]:
        ids = [line.product_id for line in draft.lines]
        list(Product.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True))
        return real(draft, *more, **names)

    before, real = deadlocks(), placing.order_fields
    monkeypatch.setattr(placing, "order_fields", order_fields)
    place_pay_and_cancel_at_once(world)
    assert deadlocks() > before


def poll_at_once(world: World) -> int:
    """How many questions three polls at once ask about six attempts that are due."""
    for _ in range(6):
        Shopper().order(world, (world.tea, 1))
    PaymentAttempt.objects.update(next_poll_at=now())
    return sum(result.checked for result in together(3, lambda _place: poll_billing(now=now())))


def test_two_polls_at_once_ask_about_each_attempt_once(world: World, billing: BillingService) -> None:
    billing.knob("get", delay=0.05)
    assert poll_at_once(world) == billing.calls["get"] == 6
    check_books()


def unclaimed(claim: str, due: str) -> str:
    """A claim of what is `due` that takes its time to look, and does not care whether somebody else takes it."""
    return altered(claim, (due, f"{due} AND pg_sleep(0.05) IS NOT NULL"), ("FOR UPDATE SKIP LOCKED", ""))


def test_control_without_the_claim_each_poller_takes_all(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "CLAIM", unclaimed(polling.CLAIM, "next_poll_at <= %(now)s"))
    assert poll_at_once(world) > 6


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


def send_at_once(order: Order) -> int:
    """How often billing is asked by four senders at once for the one refund of an order that was paid twice."""
    report(attempt_of(order), "failure")
    retry_payment(order_id=order.id, now=now())
    for number in (1, 2):
        report(attempt_of(order, number), "success")
    return sum(together(4, lambda _place: send_refunds(now=now())))


def test_two_senders_at_once_refund_once(billing: BillingService, order: Order) -> None:
    assert send_at_once(order) == billing.calls["refund"] == 1
    check_books()


def test_control_without_the_claim_each_sender_sends_it(
    billing: BillingService, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refunds, "CLAIM", unclaimed(refunds.CLAIM, "next_try_at <= %(now)s"))
    billing.knob("refund", crowd=2)  # none is done before another one asks
    send_at_once(order)
    assert billing.calls["refund"] > 1


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

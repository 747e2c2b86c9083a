"""The end of orders without money: expiry and cancelling, with billing's last word."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from checkout.models import CheckoutSession, Coupon
from core.clock import now
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt
from orders.providers import calls as seam
from orders.services import OrderNotCancellableError, cancel_order, closing, expire_due, expire_order, poll_billing
from orders.services.asking import AT_ONCE, LOT
from orders.services.closing import BATCH, BILLING_GRACE, claim_questions, expire_batch
from tests.billing_server import BillingService, PaySession
from tests.database import force_status
from tests.factories import CouponFactory, CustomerFactory, OrderFactory, OrderSessionFactory, PaymentAttemptFactory
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world, (world.mug, 2), coupon=CouponFactory(max_uses=1).code)


def state(order: Order) -> tuple[str, str, str]:
    found = Order.objects.select_related("session").get(pk=order.pk)
    return found.status, found.session.status, CheckoutSession.objects.get(order=found).status


def test_before_its_end_a_window_is_left_alone(order: Order) -> None:
    assert expire_due(now=now() + timedelta(minutes=14, seconds=58)).expired == 0
    assert state(order) == ("pending", "active", "open")


def test_after_its_end_the_order_expires_and_gives_all_back(
    order: Order, world: World, billing: BillingService
) -> None:
    assert expire_due(now=now() + timedelta(minutes=15)).expired == 1
    assert state(order) == ("expired", "expired", "timeout")
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10
    assert Coupon.objects.get().used_count == 0
    assert (attempt_of(order).status, billing.only().status) == ("timeout", "timeout")
    assert [(c.new, c.actor, c.reason) for c in order.history.all()][-1] == (
        "expired",
        "expire_orders",
        "window passed",
    )
    assert list(OutboxEvent.objects.values_list("topic", flat=True)) == ["order.created", "order.expired"]
    check_books()


def test_expiring_twice_gives_nothing_back_twice(order: Order) -> None:
    window_ends(order)
    assert (expire_due(now=now()).expired, expire_due(now=now()).expired) == (1, 0)
    check_books()


def test_many_expire_together_in_as_many_statements_as_one(world: World, billing: BillingService) -> None:
    counts = []
    for number in (1, 4):
        orders = [Shopper().order(world) for _ in range(number)]
        for order in orders:
            report(attempt_of(order), "timeout")
            window_ends(order)
        with CaptureQueriesContext(connection) as queries:
            assert expire_due(now=now()).expired == number
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20
    check_books()


def test_those_still_in_their_window_stay(world: World, billing: BillingService) -> None:
    ended, running = Shopper().order(world), Shopper().order(world)
    window_ends(ended)
    assert expire_due(now=now()).expired == 1
    assert (state(ended)[0], state(running)[0]) == ("expired", "pending")


def test_an_order_paid_already_is_a_success(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    window_ends(order)
    assert expire_due(now=now()).expired == 0
    assert state(order) == ("success", "completed", "success")
    check_books()


@pytest.mark.parametrize("knob", [{"down": True}, {"status": 500}, {"status": 401}])
def test_a_silent_billing_service_is_waited_for_2_minutes_and_no_longer(
    knob: dict[str, object], order: Order, billing: BillingService
) -> None:
    billing.knob("cancel", **knob)
    window_ends(order)
    assert expire_due(now=now()).expired == 0
    assert expire_due(now=now() + timedelta(seconds=110)).expired == 0
    assert state(order)[0] == "pending"
    assert expire_due(now=now() + timedelta(minutes=2)).expired == 1
    assert state(order) == ("expired", "expired", "timeout")
    assert attempt_of(order).status == "timeout"
    assert attempt_of(order).next_poll_at is not None
    check_books()


def test_paid_but_unable_to_say_so_waits_too(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    billing.knob("get", status=500)
    window_ends(order)
    assert expire_due(now=now()).expired == 0
    billing.well()
    assert expire_due(now=now() + timedelta(minutes=1)).expired == 0
    assert state(order)[0] == "success"


def test_the_last_question_and_the_one_after_it_take_together_no_longer_than_one(
    order: Order, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling says that it was paid, and asking how much: somebody waits for both."""
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 0.8)
    billing.settle(billing.only().checkout_id, "success")
    billing.knob("cancel", "get", delay=0.5)
    window_ends(order)
    expire_order(order_id=order.id, now=now())
    assert state(order)[0] == "pending"
    billing.well()
    expire_order(order_id=order.id, now=now())
    assert state(order)[0] == "success"
    check_books()


def test_an_order_without_an_attempt_waits_for_nobody(world: World, billing: BillingService, shopper: Shopper) -> None:
    billing.knob(down=True)
    shopper.confirm(shopper.checkout((world.mug, 1)), world)
    order = Order.objects.get()
    window_ends(order)
    assert expire_due(now=now()).expired == 1
    assert billing.calls["cancel"] == 0
    check_books()


def test_those_that_need_no_answer_do_not_wait_for_a_slow_billing_service(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam, "LONGEST_SECONDS", 0.5)
    orders = [Shopper().order(world) for _ in range(9)]
    report(attempt_of(orders[0]), "timeout")
    billing.knob("cancel", delay=1)
    for order in orders:
        window_ends(order)
    began = time.monotonic()
    assert expire_due(now=now()).expired == 1
    assert state(orders[0])[0] == "expired"
    assert time.monotonic() - began < 2.5
    assert billing.calls["cancel"] == 8


def test_expiring_one_order_before_its_time_does_nothing_to_it(order: Order) -> None:
    report(attempt_of(order), "timeout")
    assert expire_order(order_id=order.id, now=now()).status == "pending"


def test_cancelling_gives_all_back_and_tells_billing(order: Order, world: World, billing: BillingService) -> None:
    cancel_order(order_id=order.id, actor="customer", now=now())
    assert state(order) == ("cancelled", "cancelled", "failure")
    assert (attempt_of(order).status, billing.only().status) == ("timeout", "timeout")
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10
    assert [(c.new, c.actor) for c in order.history.all()][-1] == ("cancelled", "customer")
    check_books()


def test_cancelling_what_turns_out_to_be_paid_makes_it_a_success(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    with pytest.raises(OrderNotCancellableError):
        cancel_order(order_id=order.id, actor="customer", now=now())
    assert state(order)[0] == "success"
    check_books()


def test_cancelling_does_not_need_billing_but_watches_it(order: Order, billing: BillingService) -> None:
    billing.knob("cancel", down=True)
    cancel_order(order_id=order.id, actor="customer", now=now())
    assert state(order)[0] == "cancelled"
    assert attempt_of(order).next_poll_at is not None


def test_an_order_whose_window_has_passed_expires_instead(order: Order, world: World, billing: BillingService) -> None:
    window_ends(order)
    with pytest.raises(OrderNotCancellableError):
        cancel_order(order_id=order.id, actor="customer", now=now())
    assert state(order) == ("expired", "expired", "timeout")
    check_books()


@pytest.mark.parametrize("status", ["success", "failed", "expired", "cancelled"])
def test_only_a_pending_order_can_be_cancelled(status: str, order: Order) -> None:
    force_status(status)
    with pytest.raises(OrderNotCancellableError):
        cancel_order(order_id=order.id, actor="customer", now=now())


def test_money_for_a_cancelled_order_is_not_ignored(order: Order, billing: BillingService) -> None:
    cancel_order(order_id=order.id, actor="customer", now=now())
    report(attempt_of(order), "success")
    assert state(order) == ("success", "completed", "success")
    check_books()


def many_due(number: int, *, attempt: str = "", ago: timedelta = timedelta(minutes=1)) -> None:
    """Pending orders whose window ended `ago`, an hour of windows after each other; with an attempt of that status."""
    customer, end = CustomerFactory(), now() - ago
    orders = OrderFactory.build_batch(number, customer=customer)
    windows = [
        OrderSessionFactory.build(order=order, expires_at=end - timedelta(seconds=place))
        for place, order in enumerate(orders)
    ]
    Order.objects.bulk_create(orders)
    OrderSession.objects.bulk_create(windows)
    if attempt:
        built = [PaymentAttemptFactory.build(order_session=window, status=attempt) for window in windows]
        PaymentAttempt.objects.bulk_create(built)


def known_to(billing: BillingService) -> None:
    """Billing knows every attempt."""
    for attempt in PaymentAttempt.objects.all():
        checkout_id = attempt.billing_checkout_id
        billing.sessions[checkout_id] = PaySession(checkout_id, "1", "1", str(attempt.amount), attempt.currency)


def test_thousands_are_drained_in_one_run_a_batch_at_a_time(billing: BillingService) -> None:
    counts = []
    for number in (BATCH, 4 * BATCH):
        many_due(number)
        with CaptureQueriesContext(connection) as queries:
            assert expire_due(now=now()).expired == number
        counts.append(len(queries))
    assert counts[1] <= 4 * counts[0]
    assert not OrderSession.objects.due(now()).exists()


def test_a_run_ends_when_its_time_is_over_and_the_next_goes_on(
    billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_due(3, attempt="open")
    many_due(3)
    known_to(billing)
    with monkeypatch.context() as impatient:
        impatient.setattr(closing, "CLOSING_SECONDS", -1)
        impatient.setattr(closing, "ASKING_SECONDS", -1)
        assert expire_due(now=now()).checked == 0
    assert expire_due(now=now()).expired == 6


def test_the_oldest_are_closed_first(billing: BillingService, monkeypatch: pytest.MonkeyPatch) -> None:
    many_due(3)
    monkeypatch.setattr(closing, "BATCH", 2)
    assert expire_batch(now=now()) == 2
    assert list(Order.objects.pending()) == [OrderSession.objects.latest("expires_at").order]


def test_all_open_attempts_are_asked_about_in_one_run(billing: BillingService) -> None:
    many_due(3 * LOT, attempt="open")
    known_to(billing)
    result = expire_due(now=now())
    assert (result.expired, result.still_open, result.errors) == (3 * LOT, 0, {})
    assert billing.calls["cancel"] == 3 * LOT


def test_long_after_the_window_billing_is_asked_before_the_order_is_closed(
    order: Order, billing: BillingService
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    window_ends(order, ago=timedelta(hours=1))
    result = expire_due(now=now())
    assert (result.expired, result.paid) == (0, 1)
    assert state(order)[0] == "success"
    check_books()


def test_long_after_the_window_a_silent_billing_service_is_asked_once_and_not_waited_for(
    order: Order, billing: BillingService
) -> None:
    billing.knob("cancel", down=True)
    window_ends(order, ago=timedelta(hours=1))
    result = expire_due(now=now())
    assert (result.expired, result.still_open, result.errors) == (1, 0, {"network": 1})
    assert billing.calls["cancel"] == 1
    check_books()


def test_while_billing_is_away_a_run_asks_a_hundred_and_closes_all_whose_grace_is_over(
    billing: BillingService,
) -> None:
    many_due(2 * AT_ONCE + 2 * LOT, attempt="open", ago=timedelta(minutes=3))
    billing.knob("cancel", down=True)
    assert expire_due(now=now()).expired == 2 * AT_ONCE + 2 * LOT
    assert billing.calls["cancel"] <= 2 * AT_ONCE + LOT
    assert not PaymentAttempt.objects.filter(next_poll_at=None).exists()


def test_while_billing_is_away_those_within_their_grace_wait(billing: BillingService) -> None:
    many_due(AT_ONCE + LOT, attempt="open", ago=timedelta(seconds=1))
    billing.knob("cancel", down=True)
    at = now()
    result = expire_due(now=at)
    within = OrderSession.objects.filter(expires_at__gt=at - BILLING_GRACE).count()
    assert result.still_open == within == Order.objects.pending().count()


def test_what_one_worker_asks_about_no_other_does_until_it_is_given_up(order: Order) -> None:
    window_ends(order)
    at = now()
    assert [attempt.pk for attempt in claim_questions(now=at)] == [attempt_of(order).pk]
    assert claim_questions(now=at + timedelta(seconds=30)) == []
    assert len(claim_questions(now=at + timedelta(minutes=2) - timedelta(seconds=60))) == 1


def test_while_a_question_is_under_way_its_order_is_not_closed(order: Order) -> None:
    window_ends(order, ago=timedelta(hours=1))
    at = now()
    claim_questions(now=at)
    assert expire_batch(now=at) == 0


def test_what_billing_was_asked_in_vain_is_asked_again_by_the_next_run(order: Order, billing: BillingService) -> None:
    billing.knob("cancel", down=True)
    window_ends(order)
    expire_due(now=now())
    billing.well()
    assert expire_due(now=now() + timedelta(minutes=1)).expired == 1
    assert billing.calls["cancel"] == 2


def test_a_last_word_about_another_order_is_none(order: Order, billing: BillingService) -> None:
    billing.settle(billing.only().checkout_id, "success")
    billing.only().order_id = "bill_of_somebody_else"
    window_ends(order)
    result = expire_due(now=now())
    assert (result.expired, result.still_open, result.errors) == (0, 1, {"contradicts": 1})
    assert expire_due(now=now() + timedelta(minutes=2)).expired == 1
    check_books()


NO_WORD = [
    {"status": 404, "body": "<html>Not found</html>"},
    {"status": 200, "body": '{"status": "timeout"}'},
    {"status": 200, "body": '{"checkoutId": "pay_of_another", "status": "timeout"}'},
]


@pytest.mark.parametrize("answer", NO_WORD, ids=["404", "about nothing", "about another"])
def test_money_is_found_though_the_word_that_nobody_paid_was_none(
    order: Order, billing: BillingService, answer: dict[str, Any]
) -> None:
    billing.settle(billing.only().checkout_id, "success")
    billing.knob("cancel", **answer)
    window_ends(order)
    at = now()
    expire_due(now=at)
    billing.well()
    for minutes in (1, 5, 60):
        expire_due(now=at + timedelta(minutes=minutes))
        poll_billing(now=at + timedelta(minutes=minutes))
    order.refresh_from_db()
    assert order.status == "success"


def test_an_attempt_that_billing_cancelled_at_the_end_of_its_window_is_watched_for_24_hours(
    order: Order, billing: BillingService
) -> None:
    window_ends(order)
    at = now()
    assert expire_due(now=at).expired == 1
    billing.settle(billing.only().checkout_id, "success")
    poll_billing(now=at + timedelta(minutes=2))
    order.refresh_from_db()
    assert order.status == "success"

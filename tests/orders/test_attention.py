"""Money that needs attention: sent back, accepted or left, by somebody, with a reason, never twice."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Product
from core.clock import now
from core.errors import DomainError
from orders.models import Order, PaymentAttempt, Refund
from orders.providers.contract import Report
from orders.services import (
    AlreadyPaidForError,
    NothingToDecideError,
    SoldOutError,
    accept_attention,
    dismiss_attention,
    expire_due,
    refund_attention,
    retry_payment,
    send_refunds,
    settle_attempt,
)
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of, check_books, report, together, window_ends

pytestmark = pytest.mark.django_db
Service = Callable[..., Order]


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    return shopper.order(world)


@pytest.fixture
def short(order: Order) -> Order:
    """Billing took 30.00 of 33.00."""
    take(attempt_of(order), "30.00")
    order.refresh_from_db()
    return order


def take(attempt: PaymentAttempt, amount: str, currency: str = "GBP") -> None:
    said = Report("success", Decimal(amount), currency)
    settle_attempt(billing_checkout_id=attempt.billing_checkout_id, report=said, actor="test", now=now())


def decide(service: Service, order: Order, reason: str = "she called") -> Order:
    return service(order_id=order.pk, reason=reason, actor="ada@example.com", now=now())


def last_change(order: Order) -> tuple[str, str, str, str]:
    change = order.history.last()
    assert change is not None
    return change.field, change.new, change.actor, change.reason


def test_what_billing_took_is_noted_and_counts_only_if_it_is_what_was_due(short: Order, world: World) -> None:
    wrong = attempt_of(short)
    assert (wrong.paid_amount, wrong.paid_currency, wrong.counted_at) == (Decimal("30.00"), "GBP", None)
    other = Shopper().order(world)
    report(attempt_of(other), "success")
    right = attempt_of(other)
    assert (right.paid_amount, right.counted_at) == (right.amount, right.resolved_at)


def test_sending_back_returns_what_was_taken_and_leaves_the_order(short: Order, billing: BillingService) -> None:
    order = decide(refund_attention, short)
    assert (order.status, order.needs_attention) == ("pending", "")
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.was_sale) == (Decimal("30.00"), "she called", False)
    assert last_change(order) == ("needs_attention", "", "ada@example.com", "sent back 30.00 GBP: she called")
    assert send_refunds(now=now()) == 1
    assert list(billing.only().refunds.values()) == ["30.00"]
    check_books()


def test_money_of_another_currency_goes_back_in_its_own_digits(order: Order, billing: BillingService) -> None:
    take(attempt_of(order), "5000", "VND")
    decide(refund_attention, order)
    send_refunds(now=now())
    assert list(billing.only().refunds.values()) == ["5000"]


def test_accepting_makes_the_order_paid_at_its_own_total(short: Order) -> None:
    order = decide(accept_attention, short)
    assert (order.status, order.session.status, order.needs_attention) == ("success", "completed", "")
    assert attempt_of(order).counted_at is not None
    assert not Refund.objects.exists()
    reasons = [(change.field, change.reason) for change in order.history.all()]
    assert reasons[-2:] == [("status", "accepted"), ("needs_attention", "accepted 30.00 GBP: she called")]
    check_books()


def test_accepting_for_a_closed_order_takes_its_pieces_again(short: Order, world: World) -> None:
    window_ends(short)
    expire_due(now=now())
    assert decide(accept_attention, short).status == "success"
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 9
    check_books()


def test_accepting_for_a_closed_order_that_is_sold_out_is_refused(short: Order, world: World) -> None:
    window_ends(short)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    with pytest.raises(SoldOutError):
        decide(accept_attention, short)
    short.refresh_from_db()
    assert (short.status, bool(short.needs_attention)) == ("expired", True)
    check_books()


def test_what_came_besides_for_a_paid_order_can_only_go_back(short: Order) -> None:
    retry_payment(order_id=short.pk, now=now())
    report(attempt_of(short, 2), "success")
    with pytest.raises(AlreadyPaidForError):
        decide(accept_attention, short)
    decide(refund_attention, short)
    assert [refund.of_attempt.number for refund in Refund.objects.all()] == [1]
    check_books()


def test_accepting_the_last_that_came_sends_the_others_back(short: Order) -> None:
    retry_payment(order_id=short.pk, now=now())
    take(attempt_of(short, 2), "40.00")
    decide(accept_attention, short)
    assert [refund.amount for refund in Refund.objects.all()] == [Decimal("30.00")]
    assert [attempt_of(short, number).counted_at is not None for number in (1, 2)] == [False, True]
    check_books()


def test_dismissing_moves_neither_money_nor_stock(short: Order, world: World) -> None:
    order = decide(dismiss_attention, short)
    assert (order.status, order.needs_attention) == ("pending", "")
    assert last_change(order) == ("needs_attention", "", "ada@example.com", "dismissed: she called")
    assert not Refund.objects.exists()
    assert not Order.objects.needing_attention().exists()
    check_books()


def test_money_that_goes_back_by_itself_can_be_dismissed_and_not_sent_back_again(order: Order, world: World) -> None:
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))
    report(attempt_of(order), "success")
    for service in (refund_attention, accept_attention):
        with pytest.raises(NothingToDecideError):
            decide(service, order)
    decide(dismiss_attention, order)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", ["0", "0.00"])
def test_where_nothing_came_there_is_nothing_to_send_back(amount: str, order: Order) -> None:
    take(attempt_of(order), amount)
    with pytest.raises(NothingToDecideError):
        decide(refund_attention, order)
    decide(dismiss_attention, order)


SERVICES = [refund_attention, accept_attention, dismiss_attention]


@pytest.mark.parametrize("first", SERVICES)
@pytest.mark.parametrize("second", SERVICES)
def test_what_is_decided_is_not_decided_again(first: Service, second: Service, short: Order) -> None:
    decide(first, short)
    with pytest.raises(NothingToDecideError):
        decide(second, short)
    check_books()


@pytest.mark.parametrize("service", SERVICES)
def test_an_order_that_needs_nobody_is_left_alone(service: Service, order: Order) -> None:
    report(attempt_of(order), "success")
    with pytest.raises(NothingToDecideError):
        decide(service, order)
    assert not Refund.objects.exists()


def test_one_payment_counts_an_order_and_the_database_sees_to_it(short: Order) -> None:
    retry_payment(order_id=short.pk, now=now())
    report(attempt_of(short, 2), "success")
    with pytest.raises(IntegrityError, match="one_payment_counts_an_order"), transaction.atomic():
        PaymentAttempt.objects.filter(number=1).update(counted_at=now())


def test_money_that_never_counted_goes_back_once_and_the_database_sees_to_it(short: Order) -> None:
    decide(refund_attention, short)
    refund = Refund.objects.get()
    with pytest.raises(IntegrityError, match="money_that_never_counted"), transaction.atomic():
        Refund.objects.create(attempt=refund.attempt, amount=1, reason="again", was_sale=False, next_try_at=now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("protected", [True, False], ids=["", "control: no lock"])
def test_of_many_who_decide_at_once_one_does(
    protected: bool, short: Order, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Barrier(8)

    def unlocked(order_id: UUID) -> Order:
        found = Order.objects.select_related("session").get(pk=order_id)
        gate.wait(20)
        return found

    if not protected:
        monkeypatch.setattr("orders.services.attention.lock_by_id", unlocked)
        monkeypatch.setattr("orders.services.attention.undecided", lambda order: list(order.session.attempts.all()))

    def work(place: int) -> Any:
        try:
            return decide([refund_attention, accept_attention][place % 2], short)
        except (DomainError, IntegrityError) as error:
            return error

    results = together(8, work)
    decided = Refund.objects.count() + PaymentAttempt.objects.exclude(counted_at=None).count()
    refused = sum(isinstance(result, NothingToDecideError) for result in results)
    assert ((decided, refused) == (1, 7)) is protected

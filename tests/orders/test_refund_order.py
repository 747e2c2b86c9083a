"""Money of a paid order goes back: never more than there is, in whichever pieces and by however many at once."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction

from catalog.models import Product, StockMovement
from checkout.models import ShippingMethod
from core.clock import now
from customers.models import Customer, User
from orders.models import Order, OrderItem, PaymentAttempt, Refund
from orders.services import (
    MoneyNotHereError,
    NotPaidError,
    PiecesNotThereError,
    RefundTooLargeError,
    refund_order,
    send_refunds,
)
from orders.services.desk.refunding import requested
from tests.billing_server import BillingService
from tests.database import force_status
from tests.factories import CouponFactory, OrderFactory, UserFactory
from tests.world import Shopper, World, attempt_of, check_books, report, together

pytestmark = pytest.mark.django_db
STAFF = "staff@example.com"


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Two mugs and a tea for 44.50, 10.00 to ship them, 10 % tax on both: 59.95, paid."""
    placed = shopper.order(world, (world.mug, 2), (world.tea, 1))
    report(attempt_of(placed), "success")
    placed.refresh_from_db()
    assert placed.total == Decimal("59.95")
    return placed


def back(order: Order, **what: Any) -> Refund:
    return refund_order(order_id=order.pk, reason="it broke", actor=STAFF, now=now(), **what)


def line_of(order: Order, name: str) -> int:
    return OrderItem.objects.get(order=order, name=name).pk


def sums(order: Order) -> list[Decimal]:
    return list(Refund.objects.order_by("requested_at", "id").values_list("amount", flat=True))


def test_all_of_it_goes_back(order: Order, billing: BillingService) -> None:
    back(order)
    assert send_refunds(now=now()) == 1
    order.refresh_from_db()
    assert order.refunded_amount == order.total
    assert Customer.objects.get().total_spent == 0
    assert list(billing.only().refunds.values()) == ["59.95"]
    check_books()


def test_who_asked_for_it_and_why_stands_in_the_history(order: Order) -> None:
    back(order, amount=Decimal("12.00"))
    change = order.history.get(field="refund")
    assert (change.new, change.actor, change.reason) == ("12.00", STAFF, "it broke")


def test_parts_go_back_until_nothing_is_left(order: Order) -> None:
    back(order, amount=Decimal("20.00"))
    send_refunds(now=now())
    back(order, amount=Decimal("30.00"))
    with pytest.raises(RefundTooLargeError) as refused:
        back(order, amount=Decimal("9.96"))
    assert refused.value.details == {"left": "9.95"}
    back(order)
    assert sums(order) == [Decimal("20.00"), Decimal("30.00"), Decimal("9.95")]
    with pytest.raises(RefundTooLargeError):
        back(order)
    send_refunds(now=now())
    check_books()


@pytest.mark.parametrize("amount", ["0", "-1", "59.96", "0.001"])
def test_an_amount_that_cannot_go_back_is_refused(amount: str, order: Order) -> None:
    with pytest.raises(RefundTooLargeError):
        back(order, amount=Decimal(amount))
    assert not Refund.objects.exists()


def test_pieces_go_back_at_what_was_paid_for_them(order: Order) -> None:
    refund = back(order, pieces={line_of(order, "Mug"): 1})
    assert refund.amount == Decimal("22.00")


def test_a_discount_is_not_given_twice(world: World, billing: BillingService) -> None:
    placed = Shopper().order(world, (world.mug, 2), coupon=CouponFactory(value=Decimal(50)).code)
    report(attempt_of(placed), "success")
    assert back(placed, pieces={line_of(placed, "Mug"): 1}).amount == Decimal("11.00")


def test_of_prices_that_include_their_tax_none_is_added(
    world: World, billing: BillingService, settings: LazySettings
) -> None:
    settings.PRICES_INCLUDE_TAX = True
    placed = Shopper().order(world, (world.mug, 2))
    report(attempt_of(placed), "success")
    assert back(placed, pieces={line_of(placed, "Mug"): 1}).amount == Decimal("20.00")


def test_the_same_piece_does_not_go_back_twice(order: Order) -> None:
    mug = line_of(order, "Mug")
    back(order, pieces={mug: 1})
    with pytest.raises(PiecesNotThereError):
        back(order, pieces={mug: 2})
    back(order, pieces={mug: 1})
    assert sums(order) == [Decimal("22.00")] * 2


@pytest.mark.parametrize("pieces", [{0: 1}, {"mug": -1}, {"mug": 3}])
def test_pieces_that_were_not_ordered_do_not_go_back(pieces: dict[Any, int], order: Order) -> None:
    mug = line_of(order, "Mug")
    with pytest.raises(PiecesNotThereError):
        back(order, pieces={mug if line == "mug" else line: number for line, number in pieces.items()})


def test_pieces_are_put_on_the_shelf_if_so_wanted(order: Order, world: World) -> None:
    staff: User = UserFactory.create(is_staff=True)
    back(order, pieces={line_of(order, "Mug"): 1})
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 8
    back(order, pieces={line_of(order, "Mug"): 1}, to_stock=True, staff_id=staff.pk)
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 9
    movement = StockMovement.objects.get(reason="restock")
    assert (movement.product, movement.delta, movement.actor) == (world.mug, 1, staff)
    check_books()


def test_all_that_is_left_is_put_on_the_shelf_with_all_the_money(order: Order, world: World) -> None:
    back(order, pieces={line_of(order, "Mug"): 1})
    refund = back(order, to_stock=True)
    assert refund.amount == Decimal("37.95")
    assert [Product.objects.get(pk=one.pk).stock_quantity for one in (world.mug, world.tea)] == [9, 10]


def test_what_is_not_counted_has_no_shelf(order: Order, world: World) -> None:
    Product.objects.filter(pk=world.tea.pk).update(track_stock=False)
    back(order, pieces={line_of(order, "Tea"): 1}, to_stock=True)
    assert not StockMovement.objects.filter(reason="restock").exists()


@pytest.mark.parametrize("status", ["pending", "failed", "expired", "cancelled"])
def test_of_an_order_that_is_not_paid_nothing_goes_back(status: str, order: Order) -> None:
    force_status(status)
    with pytest.raises(NotPaidError):
        back(order)


def test_an_order_that_cost_nothing_was_paid_by_no_attempt(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    ShippingMethod.objects.update(price=0)
    free = shopper.order(world, coupon=CouponFactory(value=Decimal(100)).code)
    with pytest.raises(MoneyNotHereError):
        back(free)


def test_an_imported_order_was_not_paid_here() -> None:
    with pytest.raises(MoneyNotHereError):
        back(OrderFactory.create(paid=True))


def test_of_money_that_was_accepted_no_more_goes_back_than_came(order: Order) -> None:
    PaymentAttempt.objects.update(paid_amount=Decimal("50.00"))
    assert back(order).amount == Decimal("50.00")


def test_money_of_another_currency_is_sent_back_at_billing(order: Order) -> None:
    PaymentAttempt.objects.update(paid_currency="VND")
    with pytest.raises(MoneyNotHereError):
        back(order)


def halves(order: Order) -> list[Any]:
    """Two members of staff send 40.00 of 59.95 back, at once."""
    return together(2, lambda _place: back(order, amount=Decimal("40.00")))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_of_two_refunds_at_once_one_is_too_much(order: Order) -> None:
    for _round in range(5):
        Refund.objects.all().delete()
        found = sorted(type(result).__name__ for result in halves(order))
        assert found == ["Refund", "RefundTooLargeError"]
        assert sums(order) == [Decimal("40.00")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_control_without_the_lock_both_go_back(order: Order) -> None:
    both_have_looked = threading.Barrier(2)
    attempt = attempt_of(order)

    def unlocked(_place: int) -> None:
        found = Order.objects.get(pk=order.pk)
        with transaction.atomic():
            requested(found, attempt, Decimal("40.00"), {}, "it broke", now=now())
            both_have_looked.wait(30)

    results = together(2, unlocked)
    assert results == [None, None]
    assert sums(order) == [Decimal("40.00")] * 2

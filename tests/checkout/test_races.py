"""Many at once: each promise with the race really made, and beside it the same race without the protection."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from catalog.models import Product
from checkout.models import CheckoutSession, Coupon, CouponUse, IdempotencyKey
from orders.models import Order, PaymentAttempt
from tests.billing_server import BillingService
from tests.factories import CouponFactory, ProductFactory
from tests.promises.processes import LONG, SECONDS
from tests.world import Shopper, World, cart, check_books, deadlocks, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("crowd")]


def outcomes(answers: list[Any]) -> Counter[str]:
    """How often each happened: `ok`, or the code of the refusal."""
    return Counter("ok" if answer.status_code == 201 else answer.json()["error"] for answer in answers)


def confirm_all(world: World, number: int, product: Product, coupon: str = "") -> list[Any]:
    """So many shoppers, each with a checkout of one piece, confirm at once."""
    shoppers = [Shopper() for _ in range(number)]
    checkouts = [shopper.checkout((product, 1)) for shopper in shoppers]
    if coupon:
        for shopper, checkout_id in zip(shoppers, checkouts, strict=True):
            shopper.apply(checkout_id, coupon)
    return together(number, lambda place: shoppers[place].confirm(checkouts[place], world))


def test_64_buyers_of_10_pieces_get_exactly_10(world: World, billing: BillingService) -> None:
    answers = confirm_all(world, 64, world.mug)
    assert outcomes(answers) == {"ok": 10, "OUT_OF_STOCK": 54}
    assert (Order.objects.count(), Product.objects.get(pk=world.mug.pk).stock_quantity) == (10, 0)
    check_books()


def test_control_without_lock_and_condition_more_are_sold_than_there_are(world: World) -> None:
    def buy(_place: int) -> bool:
        with transaction.atomic():
            stock = Product.objects.get(pk=world.mug.pk).stock_quantity
            if stock < 1:
                return False
            time.sleep(0.05)
            Product.objects.filter(pk=world.mug.pk).update(stock_quantity=stock - 1)
        return True

    assert sum(together(64, buy)) > 10


def test_50_requests_with_one_key_make_one_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    token = str(shopper.visit()["token"])
    body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world)
    answers = together(
        50,
        lambda _place: Shopper(**{"x-visitor-session": token}).post(
            "/orders/create-from-cart", body, **{"Idempotency-Key": "one"}
        ),
    )
    found = outcomes(answers)
    assert set(found) <= {"ok", "IDEMPOTENCY_CONFLICT"}
    assert found["ok"] >= 1
    assert len({a.json()["data"]["order"]["orderId"] for a in answers if a.status_code == 201}) == 1
    assert len({a.json()["data"]["payment"]["paymentUrl"] for a in answers if a.status_code == 201}) == 1
    assert (Order.objects.count(), CheckoutSession.objects.count(), PaymentAttempt.objects.count()) == (1, 1, 1)
    assert (IdempotencyKey.objects.count(), len(billing.sessions)) == (1, 1)
    check_books()


def test_control_without_the_key_they_make_many(world: World, billing: BillingService, shopper: Shopper) -> None:
    token = str(shopper.visit()["token"])
    body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world)
    together(5, lambda _place: Shopper(**{"x-visitor-session": token}).post("/orders/create-from-cart", body))
    assert Order.objects.count() == 5


def test_30_confirms_of_one_checkout_make_one_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id, token = shopper.checkout((world.mug, 1)), str(shopper.visit()["token"])
    answers = together(30, lambda _place: Shopper(**{"x-visitor-session": token}).confirm(checkout_id, world))
    assert outcomes(answers) == {"ok": 1, "CHECKOUT_CLOSED": 29}
    assert Order.objects.count() == 1
    check_books()


def test_a_coupon_of_ten_uses_is_used_ten_times(world: World, billing: BillingService) -> None:
    plenty = ProductFactory(stock_quantity=100)
    answers = confirm_all(world, 30, plenty, coupon=CouponFactory(max_uses=10, max_uses_per_customer=2).code)
    assert outcomes(answers) == {"ok": 10, "COUPON_USED_UP": 20}
    assert (Coupon.objects.get().used_count, CouponUse.objects.count()) == (10, 10)
    check_books()


def test_control_without_the_condition_it_is_used_more_often() -> None:
    coupon = CouponFactory(max_uses=10)

    def use(_place: int) -> bool:
        with transaction.atomic():
            used = Coupon.objects.get(pk=coupon.pk).used_count
            if used >= 10:
                return False
            time.sleep(0.05)
            Coupon.objects.filter(pk=coupon.pk).update(used_count=used + 1)
        return True

    assert sum(together(30, use)) > 10


def test_one_customer_in_many_tabs_uses_a_coupon_once(world: World, billing: BillingService) -> None:
    coupon = CouponFactory(max_uses_per_customer=1, value=Decimal(50))
    shoppers = [Shopper() for _ in range(8)]
    checkouts = [shopper.checkout((world.mug, 1)) for shopper in shoppers]
    for shopper, checkout_id in zip(shoppers, checkouts, strict=True):
        shopper.email = "ada@example.com"
        shopper.apply(checkout_id, coupon.code)
    answers = together(8, lambda place: shoppers[place].confirm(checkouts[place], world))
    assert outcomes(answers) == {"ok": 1, "COUPON_USED_UP": 7}
    check_books()


def test_buyers_of_overlapping_carts_never_wait_for_each_other_in_a_ring(world: World, billing: BillingService) -> None:
    """Random carts of ten products. `make promises` goes on for a minute and more."""
    products = ProductFactory.create_batch(10, stock_quantity=1_000_000)
    before, ends = deadlocks(), time.monotonic() + (SECONDS if LONG else 0)

    def buy(place: int) -> int:
        shopper, bought = Shopper(), 0
        while bought < 3 or time.monotonic() < ends:
            lines = [(product, 1) for product in random.sample(products, random.randint(2, 10))]
            body = {"cartItems": cart(lines)} | shopper.buyer(world, email=f"buyer{place % 3}@example.com")
            answer = shopper.post("/orders/create-from-cart", body)
            assert answer.status_code == 201, answer.content
            bought += 1
        return bought

    assert min(together(16, buy)) >= 3
    assert deadlocks() == before
    check_books()


def test_changing_a_checkout_while_it_is_confirmed_changes_the_order_wholly_or_not(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    token = str(shopper.visit()["token"])
    tabs = [Shopper(**{"x-visitor-session": token}) for _ in range(2)]
    two = {"cartItems": cart([(world.tea, 2)])}
    for _ in range(3):
        checkout_id = shopper.checkout((world.tea, 1))
        works = [
            partial(tabs[0].confirm, checkout_id, world),
            partial(tabs[1].call, "patch", f"/checkout/{checkout_id}/items", two),
        ]
        together(2, partial(do_one, works))
        order = Order.objects.get(checkout_id=checkout_id)
        (line,) = order.items.all()
        assert (line.line_total, order.subtotal) == (line.quantity * line.unit_price,) * 2
    check_books()


def do_one(works: Sequence[Callable[[], Any]], place: int) -> Any:
    """One of several things."""
    return works[place]()

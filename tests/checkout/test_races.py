"""Many at once: each promise with the race really made, and beside it the same race without the protection."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from catalog.models import Product
from catalog.services import reserve_stock
from checkout.models import CheckoutSession, Coupon, CouponUse, IdempotencyKey
from checkout.services import basket, confirm, coupons, opening
from orders.models import Order, PaymentAttempt
from tests.billing_server import BillingService
from tests.customers.member import Member, account
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


@pytest.fixture
def slow_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever confirms a checkout takes a while between reading and closing it."""

    def lines_of(quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
        time.sleep(0.2)
        return real(quantities)

    real = basket.lines_of
    monkeypatch.setattr(confirm, "lines_of", lines_of)


def test_30_confirms_of_one_checkout_make_one_order(
    world: World, billing: BillingService, shopper: Shopper, slow_confirm: None
) -> None:
    checkout_id, token = shopper.checkout((world.mug, 1)), str(shopper.visit()["token"])
    answers = together(30, lambda _place: Shopper(**{"x-visitor-session": token}).confirm(checkout_id, world))
    assert outcomes(answers) == {"ok": 1, "CHECKOUT_CLOSED": 29}
    assert Order.objects.count() == 1
    check_books()


def test_control_without_the_lock_they_do_not_find_it_closed(
    world: World, billing: BillingService, shopper: Shopper, slow_confirm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They all place an order; that they cannot all keep it is another protection's work."""
    monkeypatch.setattr(opening, "LOCK", without_lock(opening.LOCK))
    checkout_id, token = shopper.checkout((world.mug, 1)), str(shopper.visit()["token"])

    def confirmed(_place: int) -> str:
        found = Shopper(**{"x-visitor-session": token})
        found.client.raise_request_exception = False
        answer = found.confirm(checkout_id, world)
        return "ok" if answer.status_code == 201 else str(answer.json()["error"])

    assert Counter(together(30, confirmed)) != {"ok": 1, "CHECKOUT_CLOSED": 29}


def without_lock(statement: str) -> str:
    """The statement that reads only."""
    assert "FOR NO KEY UPDATE" in statement
    return statement.partition("FOR NO KEY UPDATE")[0]


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


def confirm_on_devices(world: World) -> Counter[str]:
    """What becomes of 4 confirms at once by a customer who is logged in on as many devices, each with a coupon for one
    use of theirs. (Tabs of one browser share a visit, and wait for that.)
    """
    coupon = CouponFactory(max_uses_per_customer=1, value=Decimal(50))
    account()
    devices = [Member("ada@example.com") for _ in range(4)]
    checkouts = []
    for device in devices:
        assert device.log_in().status_code == 200
        checkouts.append(device.checkout((world.mug, 1)))
        assert device.apply(checkouts[-1], coupon.code).status_code == 200
    return outcomes(together(4, lambda place: devices[place].confirm(checkouts[place], world)))


@pytest.fixture
def slow_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has used a coupon takes a while before the order is placed."""

    def take_use(**use: Any) -> None:
        real(**use)
        time.sleep(0.1)

    real = coupons.take_use
    monkeypatch.setattr(coupons, "take_use", take_use)


def test_one_customer_on_many_devices_uses_a_coupon_once(world: World, billing: BillingService, slow_use: None) -> None:
    assert confirm_on_devices(world) == {"ok": 1, "COUPON_USED_UP": 3}
    check_books()


def test_control_without_holding_the_coupon_they_use_it_more_often(
    world: World, billing: BillingService, slow_use: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupons, "HOLD", "SELECT %(coupon)s")
    assert confirm_on_devices(world)["ok"] > 1


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

    assert min(together(16, buy, seconds=SECONDS + 60)) >= 3
    assert deadlocks() == before
    check_books()


def test_control_without_the_order_of_the_locks_they_do(world: World) -> None:
    """Of two products, by two buyers, each in the order of the cart."""
    before, both_took_one = deadlocks(), threading.Barrier(2)
    carts = [(world.mug, world.tea), (world.tea, world.mug)]

    def buy(place: int) -> None:
        order_id = uuid.uuid4()
        with transaction.atomic():
            for product in carts[place]:
                reserve_stock(quantities={product.id: 1}, order_id=order_id)
                if product is carts[place][0]:
                    both_took_one.wait(10)

    assert sorted(type(result).__name__ for result in together(2, buy)) == ["NoneType", "OperationalError"]
    assert deadlocks() == before + 1


def changed_while_confirmed(
    world: World, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[int]]:
    """The quantities of the order and of its checkout, when one tab confirms what another one has read to change it.

    The change goes on when the confirm is done, or when that waits for it.
    """
    token, checkout_id = str(shopper.visit()["token"]), shopper.checkout((world.tea, 1))
    tabs = [Shopper(**{"x-visitor-session": token}) for _ in range(2)]
    read, confirmed, real = threading.Event(), threading.Event(), basket.lines_of

    def lines_of(quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
        read.set()
        confirmed.wait(1)
        return real(quantities)

    def work(place: int) -> None:
        if place == 0:
            tabs[0].call("patch", f"/checkout/{checkout_id}/items", {"cartItems": cart([(world.tea, 2)])})
        else:
            assert read.wait(30)
            tabs[1].confirm(checkout_id, world)
            confirmed.set()

    monkeypatch.setattr(basket, "lines_of", lines_of)
    assert together(2, work) == [None, None]
    order, checkout = Order.objects.get(checkout_id=checkout_id), CheckoutSession.objects.get(pk=checkout_id)
    return [line.quantity for line in order.items.all()], [line["quantity"] for line in checkout.items]


def test_changing_a_checkout_while_it_is_confirmed_changes_the_order_wholly_or_not(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed_while_confirmed(world, shopper, monkeypatch) == ([2], [2])
    check_books()


def test_control_without_the_lock_the_change_goes_into_the_closed_checkout_alone(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK", without_lock(opening.LOCK))
    assert changed_while_confirmed(world, shopper, monkeypatch) == ([1], [2])

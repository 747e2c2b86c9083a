"""Many at once: each promise with the race really made, and beside it the same race without the protection."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from catalog import services as catalog
from catalog.models import Product
from checkout.models import CheckoutSession, Coupon, CouponUse, IdempotencyKey
from checkout.services import basket, confirm, coupons, opening
from orders.models import Order, PaymentAttempt
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.customers.member import Member, account
from tests.factories import CouponFactory, ProductFactory
from tests.promises.processes import LONG, SECONDS
from tests.world import ADDRESS, Shopper, World, altered, cart, check_books, deadlocks, together

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


STOCK_AS_READ = altered(
    catalog.TAKE,
    ("FOR NO KEY UPDATE OF p", ""),
    ("SELECT p.id, asked.quantity FROM", "SELECT p.id, p.stock_quantity, asked.quantity FROM"),
    ("SET stock_quantity = p.stock_quantity -", "SET stock_quantity = held.stock_quantity -"),
    ("AND p.stock_quantity >=", "AND held.stock_quantity >="),
)
"""Who takes pieces goes by what was there when they looked."""


def test_control_without_lock_and_condition_more_are_sold_than_there_are(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "TAKE", STOCK_AS_READ)
    assert outcomes(confirm_all(world, 64, world.mug))["ok"] > 10


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


def test_a_new_visit_is_stored_before_the_transaction_in_which_its_cart_becomes_an_order(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flusher that has the same visit would wait for that transaction, and others for the flusher."""
    stored: list[bool] = []

    def lines_of(quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
        stored.extend(together(1, lambda _place: VisitorSession.objects.exists()))
        return real(quantities)

    real = basket.lines_of
    monkeypatch.setattr(basket, "lines_of", lines_of)
    shopper.visit()
    body = {"cartItems": cart([(world.mug, 1)])} | shopper.buyer(world)
    assert shopper.post("/orders/create-from-cart", body).status_code == 201
    assert stored == [True]


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


def test_who_only_asks_for_the_tax_waits_for_nobody(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    shopper.post("/checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": ADDRESS})
    with transaction.atomic():
        CheckoutSession.objects.select_for_update().get(pk=checkout_id)
        (answer,) = together(1, lambda _place: shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id}))
    assert answer.status_code == 200


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

    found = Counter(together(30, confirmed))
    assert found["ok"] == 1
    assert found["INTERNAL_ERROR"], "PostgreSQL refuses a second order of the checkout"


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


USES_AS_READ = altered(
    coupons.TAKE,
    ("WITH taken AS (", "WITH read AS (SELECT * FROM checkout_coupon WHERE id = %(coupon)s), taken AS ("),
    ("UPDATE checkout_coupon SET used_count = used_count + 1", "UPDATE checkout_coupon c SET used_count = 1 +"),
    ("WHERE id = %(coupon)s AND (max_uses", "read.used_count FROM read WHERE c.id = read.id AND (read.max_uses"),
    ("OR used_count < max_uses)", "OR read.used_count < read.max_uses)"),
    ("(max_uses_per_customer IS NULL OR max_uses_per_customer >", "(true OR 0 ="),
    ("RETURNING id", "RETURNING c.id"),
)
"""Who uses a coupon goes by how often it was when they looked."""


def test_control_without_the_condition_it_is_used_more_often(
    world: World, billing: BillingService, slow_use: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupons, "HOLD", "SELECT %(coupon)s")
    monkeypatch.setattr(coupons, "TAKE", USES_AS_READ)
    coupon = CouponFactory(max_uses=10, max_uses_per_customer=2)
    assert outcomes(confirm_all(world, 30, ProductFactory(stock_quantity=100), coupon=coupon.code))["ok"] > 10


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


@pytest.fixture
def slow_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever locks the products of an order takes a while from one to the next."""
    slow = ("SELECT p.id, asked.quantity FROM", "SELECT p.id, asked.quantity, pg_sleep(0.005) FROM")
    monkeypatch.setattr(catalog, "TAKE", altered(catalog.TAKE, slow))


def buy_overlapping_carts(world: World, *, seconds: float = 0, orders: int = 3) -> list[Any]:
    """16 buyers of two to ten of ten products each, so often and as long; the statuses they were answered."""
    products = ProductFactory.create_batch(10, stock_quantity=1_000_000)
    ends = time.monotonic() + seconds

    def buy(place: int) -> list[int]:
        shopper = Shopper()
        shopper.client.raise_request_exception = False
        answered: list[int] = []
        while len(answered) < orders or time.monotonic() < ends:
            lines = [(product, 1) for product in random.sample(products, random.randint(2, 10))]
            body = {"cartItems": cart(lines)} | shopper.buyer(world, email=f"buyer{place % 3}@example.com")
            answered.append(shopper.post("/orders/create-from-cart", body).status_code)
        return answered

    return together(16, buy, seconds=seconds + 60)


def test_buyers_of_overlapping_carts_never_wait_for_each_other_in_a_ring(
    world: World, billing: BillingService, slow_locks: None
) -> None:
    """`make promises` goes on for a minute and more."""
    before = deadlocks()
    answered = buy_overlapping_carts(world, seconds=SECONDS if LONG else 0)
    assert {status for statuses in answered for status in statuses} == {201}
    assert deadlocks() == before
    check_books()


def test_control_without_the_order_of_the_locks_they_do(
    world: World, billing: BillingService, slow_locks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = deadlocks()
    monkeypatch.setattr(catalog, "TAKE", altered(catalog.TAKE, ("ORDER BY p.id", "ORDER BY random()")))
    buy_overlapping_carts(world, orders=1)
    assert deadlocks() > before


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

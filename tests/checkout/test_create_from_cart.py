"""Initiate and confirm in one call: the same rules, all or nothing."""

from decimal import Decimal
from typing import Any

import pytest

from checkout.models import CheckoutSession
from orders.models import Order
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, cart, check_books

pytestmark = pytest.mark.django_db


def order(shopper: Shopper, world: World, **changes: Any) -> Any:
    body = {"cartItems": cart([(world.mug, 2)])} | shopper.buyer(world) | changes
    return shopper.post("/orders/create-from-cart", {name: value for name, value in body.items() if value is not None})


def test_a_cart_becomes_an_order_with_its_payment(world: World, billing: BillingService, shopper: Shopper) -> None:
    answer = order(shopper, world)
    data = answer.json()["data"]
    assert (answer.status_code, set(data)) == (201, {"order", "session", "payment", "orderToken"})
    assert data["order"]["summary"]["total"] == "55.00"
    assert data["payment"]["paymentUrl"]
    assert CheckoutSession.objects.get().order_id is not None
    check_books()


def test_its_coupon_counts(world: World, billing: BillingService, shopper: Shopper) -> None:
    data = order(shopper, world, couponCode=CouponFactory(value=Decimal(50)).code.lower()).json()["data"]
    assert data["order"]["summary"]["discountAmount"] == "20.00"
    check_books()


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"couponCode": "NONE"}, 409, "COUPON_INVALID"),
        ({"expectedTotal": "54.99"}, 409, "PRICE_CHANGED"),
        ({"shippingMethodId": None}, 409, "CHECKOUT_INCOMPLETE"),
        ({"cartItems": []}, 400, "INVALID_INPUT"),
        ({"email": ""}, 400, "INVALID_INPUT"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    world: World, billing: BillingService, shopper: Shopper, changes: dict[str, Any], status: int, error: str
) -> None:
    answer = order(shopper, world, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert not CheckoutSession.objects.exists()
    assert not Order.objects.exists()
    check_books()


def test_more_than_there_is_is_out_of_stock(world: World, billing: BillingService, shopper: Shopper) -> None:
    answer = order(shopper, world, cartItems=cart([(world.mug, 11)]))
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")


def test_without_a_key_each_call_is_an_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    order(shopper, world)
    order(shopper, world)
    assert Order.objects.count() == 2

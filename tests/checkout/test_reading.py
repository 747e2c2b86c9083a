"""A checkout is read from PostgreSQL at once: it outlives whatever else is lost, and is never behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from catalog.models import Product
from checkout.models import CheckoutSession
from core import redis as core_redis
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import ADDRESS, Shopper, World, cart

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout_id(world: World, shopper: Shopper) -> str:
    """With all that can be in one: address, shipping, coupon."""
    found = shopper.checkout((world.mug, 1))
    shopper.post("/checkout/calculate-shipping", {"checkoutId": found, "shippingAddress": ADDRESS})
    shopper.apply(found, CouponFactory(code="SPRING").code)
    return found


def read(shopper: Shopper, checkout_id: str) -> dict[str, Any]:
    data: dict[str, Any] = shopper.get(f"/checkout/{checkout_id}").json()["data"]
    return data


def test_it_takes_one_statement(
    shopper: Shopper, checkout_id: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        found = read(shopper, checkout_id)
    assert (found["couponCode"], found["shippingAddress"]["city"]) == ("SPRING", "London")


Change = Callable[[Shopper, str, World], Any]
CHANGES: dict[str, Change] = {
    "items": lambda s, c, w: s.call("patch", f"/checkout/{c}/items", {"cartItems": cart([(w.tea, 1)])}),
    "coupon": lambda s, c, w: s.call("delete", f"/checkout/{c}/coupon"),
    "confirm": lambda s, c, w: s.confirm(c, w),
    "the admin": lambda s, c, w: CheckoutSession.objects.update(status="timeout"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_by_the_very_next_read(
    change: str, world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    before = read(shopper, checkout_id)
    CHANGES[change](shopper, checkout_id, world)
    after = read(shopper, checkout_id)
    assert {name for name in before if after[name] != before[name]} - {"expiresAt"}


def test_a_price_changed_since_is_not_in_it_until_it_is_calculated_again(
    world: World, shopper: Shopper, checkout_id: str
) -> None:
    before = read(shopper, checkout_id)
    Product.objects.update(price=99)
    assert read(shopper, checkout_id) == before


def test_it_outlives_the_loss_of_all_that_redis_held(world: World, shopper: Shopper, checkout_id: str) -> None:
    before = read(shopper, checkout_id)
    core_redis.client().flushdb()
    assert read(shopper, checkout_id) == before


def test_it_goes_on_with_redis_away(world: World, billing: BillingService, shopper: Shopper, checkout_id: str) -> None:
    before = read(shopper, checkout_id)
    core_redis.breaker.closed_after = float("inf")
    try:
        assert read(shopper, checkout_id) == before
        assert shopper.confirm(checkout_id, world).status_code == 201
        assert read(shopper, checkout_id)["orderId"]
    finally:
        core_redis.breaker.closed_after = 0.0


CALLS: dict[str, Change] = {
    **CHANGES,
    "read": lambda s, c, w: s.get(f"/checkout/{c}"),
    "initiate": lambda s, c, w: s.initiate((w.mug, 1)),
    "refused": lambda s, c, w: s.initiate((w.mug, 99)),
    "somebody else's": lambda s, c, w: Shopper().get(f"/checkout/{c}"),
}
del CALLS["the admin"]


@pytest.mark.parametrize("name", CALLS)
def test_no_answer_may_be_stored(
    name: str, world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    assert CALLS[name](shopper, checkout_id, world)["Cache-Control"] == "no-store"

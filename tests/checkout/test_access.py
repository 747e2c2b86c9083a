"""Only whoever opened a checkout may touch it, while it is open. To all others it does not exist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from checkout.models import CheckoutSession
from checkout.services.idle import expire_idle
from core.clock import now
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import ADDRESS, Shopper, World, cart

pytestmark = pytest.mark.django_db

Call = Callable[[Shopper, str, World], Any]
CHANGES: dict[str, Call] = {
    "items": lambda s, c, w: s.call("patch", f"/checkout/{c}/items", {"cartItems": cart([(w.tea, 1)])}),
    "shipping": lambda s, c, w: s.post("/checkout/calculate-shipping", {"checkoutId": c, "shippingAddress": ADDRESS}),
    "tax": lambda s, c, w: s.post("/checkout/calculate-tax", {"checkoutId": c, "shippingAddress": ADDRESS}),
    "apply-coupon": lambda s, c, w: s.apply(c, "SPRING"),
    "remove-coupon": lambda s, c, w: s.call("delete", f"/checkout/{c}/coupon"),
    "confirm": lambda s, c, w: s.confirm(c, w),
}
CALLS: dict[str, Call] = {"read": lambda s, c, w: s.get(f"/checkout/{c}"), **CHANGES}


@pytest.fixture(autouse=True)
def coupon() -> None:
    CouponFactory(code="SPRING")


@pytest.mark.parametrize("name", CALLS)
def test_the_owner_may(name: str, world: World, billing: BillingService, shopper: Shopper) -> None:
    assert CALLS[name](shopper, shopper.checkout((world.mug, 1)), world).status_code in (200, 201)


@pytest.mark.parametrize("name", CALLS)
def test_to_a_stranger_it_does_not_exist(name: str, world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    stranger = Shopper()
    stranger.checkout((world.mug, 1))
    answer = CALLS[name](stranger, checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", CALLS)
def test_to_somebody_without_a_visit_it_does_not_exist(
    name: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    answer = CALLS[name](Shopper(), checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", CALLS)
def test_somebody_elses_and_none_at_all_are_answered_alike(
    name: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    stranger = Shopper()
    theirs = CALLS[name](stranger, shopper.checkout((world.mug, 1)), world).json()
    nobodys = CALLS[name](stranger, str(uuid4()), world).json()
    assert theirs | {"requestId": ""} == nobodys | {"requestId": ""}


@pytest.mark.parametrize("name", CHANGES)
def test_after_30_minutes_it_is_closed_before_any_job_says_so(
    name: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(expires_at=now())
    answer = CHANGES[name](shopper, checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (409, "CHECKOUT_CLOSED")


@pytest.mark.parametrize("name", CHANGES)
def test_an_ordered_one_is_closed_and_names_its_order(
    name: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    order_id = shopper.confirm(checkout_id, world).json()["data"]["order"]["orderId"]
    answer = CHANGES[name](shopper, checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (409, "CHECKOUT_CLOSED")
    assert answer.json()["details"] == {"orderId": order_id}


@pytest.mark.parametrize("status", ["success", "failure", "timeout"])
def test_one_that_has_ended_can_be_read_but_not_changed(status: str, world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(status=status)
    assert shopper.get(f"/checkout/{checkout_id}").json()["data"]["status"] == status
    assert shopper.apply(checkout_id, "SPRING").json()["error"] == "CHECKOUT_CLOSED"


def test_each_change_gives_it_30_more_minutes(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(expires_at=now() + timedelta(minutes=1))
    shopper.apply(checkout_id, "SPRING")
    assert CheckoutSession.objects.get().expires_at > now() + timedelta(minutes=29)


def test_reading_does_not_prolong_it(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(expires_at=now() + timedelta(minutes=1))
    shopper.get(f"/checkout/{checkout_id}")
    assert CheckoutSession.objects.get().expires_at < now() + timedelta(minutes=2)


def test_idle_ones_time_out_and_only_they(world: World, billing: BillingService, shopper: Shopper) -> None:
    idle, fresh, ordered = (shopper.checkout((world.mug, 1)) for _ in range(3))
    shopper.confirm(ordered, world)
    CheckoutSession.objects.filter(pk__in=[idle, ordered]).update(expires_at=now())
    assert expire_idle(now=now()) == 1
    statuses = {str(c.pk): c.status for c in CheckoutSession.objects.all()}
    assert statuses == {idle: "timeout", fresh: "open", ordered: "open"}


def test_timing_out_twice_does_nothing_more(world: World, shopper: Shopper) -> None:
    shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(expires_at=now())
    assert (expire_idle(now=now()), expire_idle(now=now())) == (1, 0)


def test_a_session_passed_by_header_owns_it_too(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    app = Shopper(**{"x-visitor-session": shopper.visit()["token"]})
    assert app.get(f"/checkout/{checkout_id}").status_code == 200

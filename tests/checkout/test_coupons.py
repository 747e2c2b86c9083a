"""Coupons: who may use which, when, how often."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from checkout.models import Coupon, CouponUse
from core.clock import now
from orders.models import Order
from orders.services import cancel_order, expire_due
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, attempt_of, check_books, report, window_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout_id(world: World, shopper: Shopper) -> str:
    return shopper.checkout((world.mug, 2))


def refusal(shopper: Shopper, checkout_id: str, code: str) -> tuple[int, str]:
    answer = shopper.apply(checkout_id, code)
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("code", ["Spring-10", "SPRING-10", "spring-10", "  spring-10  "])
def test_a_code_works_in_any_case(code: str, shopper: Shopper, checkout_id: str) -> None:
    CouponFactory(code="Spring-10")
    data = shopper.apply(checkout_id, code).json()["data"]
    assert (data["couponCode"], data["summary"]["discountAmount"]) == ("Spring-10", "4.00")


@pytest.mark.parametrize(
    ("kind", "value", "discount"), [("percent", "12.5", "5.00"), ("fixed", "7.50", "7.50"), ("fixed", "99", "40.00")]
)
def test_what_a_coupon_takes_off(kind: str, value: str, discount: str, shopper: Shopper, checkout_id: str) -> None:
    coupon = CouponFactory(kind=kind, value=Decimal(value))
    assert shopper.apply(checkout_id, coupon.code).json()["data"]["summary"]["discountAmount"] == discount


@pytest.mark.parametrize("code", ["NONE", "%", "_"])
def test_an_unknown_code_is_invalid(code: str, shopper: Shopper, checkout_id: str) -> None:
    CouponFactory()
    assert refusal(shopper, checkout_id, code) == (409, "COUPON_INVALID")


def test_one_switched_off_is_invalid(shopper: Shopper, checkout_id: str) -> None:
    assert refusal(shopper, checkout_id, CouponFactory(is_active=False).code) == (409, "COUPON_INVALID")


def test_one_whose_time_has_passed_is_expired(shopper: Shopper, checkout_id: str) -> None:
    assert refusal(shopper, checkout_id, CouponFactory(ends_at=now()).code) == (409, "COUPON_EXPIRED")


def test_one_whose_time_has_not_come_is_expired(shopper: Shopper, checkout_id: str) -> None:
    early = CouponFactory(starts_at=now() + timedelta(minutes=1))
    assert refusal(shopper, checkout_id, early.code) == (409, "COUPON_EXPIRED")


def test_one_without_uses_left_is_used_up(shopper: Shopper, checkout_id: str) -> None:
    assert refusal(shopper, checkout_id, CouponFactory(max_uses=3, used_count=3).code) == (409, "COUPON_USED_UP")


def test_one_for_dearer_carts_says_from_where_on(shopper: Shopper, checkout_id: str) -> None:
    answer = shopper.apply(checkout_id, CouponFactory(minimum_subtotal=Decimal("40.01")).code)
    assert (answer.status_code, answer.json()["error"]) == (409, "COUPON_MINIMUM_NOT_MET")
    assert answer.json()["details"] == {"minimumSubtotal": "40.01"}
    assert "£40.01" in answer.json()["message"]


def test_the_minimum_is_met_by_exactly_that(shopper: Shopper, checkout_id: str) -> None:
    assert shopper.apply(checkout_id, CouponFactory(minimum_subtotal=Decimal("40.00")).code).status_code == 200


def test_a_refused_coupon_leaves_the_one_before(shopper: Shopper, checkout_id: str) -> None:
    first = CouponFactory()
    shopper.apply(checkout_id, first.code)
    shopper.apply(checkout_id, CouponFactory(max_uses=0).code)
    assert shopper.get(f"/checkout/{checkout_id}").json()["data"]["couponCode"] == first.code


def test_a_coupon_can_be_taken_off(shopper: Shopper, checkout_id: str) -> None:
    shopper.apply(checkout_id, CouponFactory().code)
    data = shopper.call("delete", f"/checkout/{checkout_id}/coupon").json()["data"]
    assert (data["couponCode"], data["summary"]["total"]) == (None, "40.00")


def test_applying_takes_no_use(shopper: Shopper, checkout_id: str) -> None:
    shopper.apply(checkout_id, CouponFactory(max_uses=1).code)
    assert Coupon.objects.get().used_count == 0


def test_an_order_takes_a_use_and_a_cancelled_one_gives_it_back(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    coupon = CouponFactory(max_uses=1)
    order = shopper.order(world, coupon=coupon.code)
    assert (order.coupon_code, Coupon.objects.get().used_count, CouponUse.objects.count()) == (coupon.code, 1, 1)
    cancel_order(order_id=order.id, actor="customer", now=now())
    assert (Coupon.objects.get().used_count, CouponUse.objects.count()) == (0, 0)
    check_books()


def test_the_last_use_goes_to_whoever_orders_first(world: World, billing: BillingService) -> None:
    coupon = CouponFactory(max_uses=1)
    first, second = Shopper(), Shopper()
    checkouts = [shopper.checkout((world.mug, 1)) for shopper in (first, second)]
    for shopper, checkout_id in zip((first, second), checkouts, strict=True):
        shopper.apply(checkout_id, coupon.code)
    assert first.confirm(checkouts[0], world).status_code == 201
    late = second.confirm(checkouts[1], world)
    assert (late.status_code, late.json()["error"]) == (409, "COUPON_USED_UP")
    assert Order.objects.count() == 1


def test_a_customer_may_use_it_only_so_often(world: World, billing: BillingService, shopper: Shopper) -> None:
    coupon = CouponFactory(max_uses_per_customer=1)
    shopper.buy(world, coupon=coupon.code)
    checkout_id = shopper.checkout((world.mug, 1))
    shopper.apply(checkout_id, coupon.code)
    again = shopper.confirm(checkout_id, world, email=shopper.email.upper())
    assert (again.status_code, again.json()["error"]) == (409, "COUPON_USED_UP")
    other = Shopper()
    assert other.buy(world, coupon=coupon.code)["order"]["couponCode"] == coupon.code
    check_books()


def lapse(**changes: Any) -> None:
    Coupon.objects.update(**changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"is_active": False}, "COUPON_INVALID"),
        ({"ends_at": now()}, "COUPON_EXPIRED"),
        ({"max_uses": 0}, "COUPON_USED_UP"),
        ({"minimum_subtotal": Decimal(41)}, "COUPON_MINIMUM_NOT_MET"),
    ],
)
def test_confirm_checks_the_coupon_again(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str, changes: dict[str, Any], error: str
) -> None:
    shopper.apply(checkout_id, CouponFactory().code)
    lapse(**changes)
    answer = shopper.confirm(checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (409, error)
    assert not Order.objects.exists()


@pytest.mark.parametrize(("free", "uses"), [(1, 1), (0, 0)], ids=["one is left", "none is left"])
def test_late_money_takes_the_use_again_if_one_is_left(
    world: World, billing: BillingService, shopper: Shopper, free: int, uses: int
) -> None:
    coupon = CouponFactory(max_uses=1)
    order = shopper.order(world, (world.mug, 1), coupon=coupon.code)
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    Coupon.objects.filter(pk=coupon.pk).update(max_uses=free)
    report(attempt_of(order), "success")
    order.refresh_from_db()
    coupon.refresh_from_db()
    assert (order.status, coupon.used_count, coupon.uses.count()) == ("success", uses, uses)

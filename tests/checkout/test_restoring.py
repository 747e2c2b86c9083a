"""The link that restores an abandoned checkout in any browser, and what comes back with it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import signing

from catalog.models import Product
from checkout import tokens
from checkout.models import CheckoutSession
from checkout.tokens import restore_link
from core.clock import now
from core.ids import new_id
from orders.services import expire_due
from tests.billing_server import BillingService
from tests.checkout.leaving import leave, remind, sent
from tests.factories import CouponFactory
from tests.world import Shopper, World, attempt_of, report, window_ends

pytestmark = pytest.mark.django_db


def token_of(checkout: CheckoutSession) -> str:
    """What stands behind the `#` of its link."""
    return restore_link(checkout.pk).partition("#restore=")[2]


def restore(shopper: Shopper, token: str) -> Any:
    return shopper.post("/checkout/restore", {"token": token})


@pytest.fixture
def left(world: World, shopper: Shopper) -> CheckoutSession:
    """Two mugs that somebody has left."""
    return leave(shopper, world)


def test_the_link_of_the_mail_opens_a_new_checkout_in_any_browser(left: CheckoutSession) -> None:
    remind()
    token = str(sent()[0].body).partition("#restore=")[2].split()[0]
    other = Shopper()
    answer = restore(other, token)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert [(line["name"], line["quantity"]) for line in data["items"]] == [("Mug", 2)]
    assert (data["missing"], data["couponLost"], data["status"]) == ([], None, "open")
    assert data["checkoutId"] != str(left.pk)
    assert other.get(f"/checkout/{data['checkoutId']}").status_code == 200
    assert CheckoutSession.objects.get(pk=data["checkoutId"]).recovers == left


def test_a_link_that_was_passed_on_tells_nothing_of_who_left(left: CheckoutSession) -> None:
    answer = restore(Shopper(), token_of(left))
    assert answer.json()["data"]["shippingAddress"] is None
    assert not {text for text in (left.email, "High Street", str(left.pk)) if text in answer.content.decode()}
    assert CheckoutSession.objects.get(recovers=left).email == ""


def test_prices_are_those_of_now(left: CheckoutSession, world: World) -> None:
    Product.objects.filter(pk=world.mug.pk).update(price=Decimal(25))
    assert restore(Shopper(), token_of(left)).json()["data"]["summary"]["subtotal"] == "50.00"


def test_what_can_no_longer_be_had_is_left_out_and_named(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 3), (world.tea, 2))
    Product.objects.filter(pk=world.mug.pk).update(stock_quantity=1)
    Product.objects.filter(pk=world.tea.pk).update(is_active=False)
    data = restore(Shopper(), token_of(CheckoutSession.objects.get(pk=checkout_id))).json()["data"]
    assert [(line["name"], line["quantity"]) for line in data["items"]] == [("Mug", 1)]
    missing = [(line["name"], line["asked"], line["available"]) for line in data["missing"]]
    assert missing == [("Mug", 3, 1), ("Tea", 2, 0)]


def test_a_cart_of_which_nothing_is_left_is_refused(left: CheckoutSession, world: World) -> None:
    Product.objects.filter(pk=world.mug.pk).update(stock_quantity=0)
    answer = restore(Shopper(), token_of(left))
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")
    assert CheckoutSession.objects.count() == 1


def test_a_coupon_comes_with_it_while_it_is_valid(world: World, shopper: Shopper) -> None:
    coupon = CouponFactory.create(code="WELCOME10")
    left = leave(shopper, world, coupon="WELCOME10")
    assert restore(Shopper(), token_of(left)).json()["data"]["couponCode"] == "WELCOME10"
    coupon.is_active = False
    coupon.save()
    data = restore(Shopper(), token_of(left)).json()["data"]
    assert (data["couponCode"], data["couponLost"]) == (None, "WELCOME10")
    assert data["summary"]["discountAmount"] == "0.00"


@pytest.mark.parametrize("forged", ["", "x", "{id}", "{id}:1vQ:AAAA", "{other}"])
def test_a_token_that_is_not_ours_is_refused(left: CheckoutSession, forged: str) -> None:
    other = signing.TimestampSigner(salt="another").sign(left.pk.hex)
    answer = restore(Shopper(), forged.format(id=left.pk.hex, other=other))
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["token"])


def test_a_link_holds_for_a_month(left: CheckoutSession, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(left)
    monkeypatch.setattr(tokens, "LIFE", timedelta(0))
    assert restore(Shopper(), token).status_code == 400


def test_a_checkout_that_was_erased_cannot_be_restored() -> None:
    token = restore_link(new_id()).partition("#restore=")[2]
    assert restore(Shopper(), token).status_code == 400


def test_restoring_is_limited_as_opening_a_checkout_is(left: CheckoutSession, settings: LazySettings) -> None:
    settings.RATE_LIMIT_ALLOWLIST = []
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"initiate": "1/minute"}
    shopper = Shopper()
    assert [restore(shopper, token_of(left)).status_code for _time in range(2)] == [201, 429]


# Recovered


def buy_again(left: CheckoutSession, world: World) -> CheckoutSession:
    """Somebody opens the link in another browser and orders."""
    shopper = Shopper()
    checkout_id = restore(shopper, token_of(left)).json()["data"]["checkoutId"]
    assert shopper.confirm(checkout_id, world).status_code == 201
    return CheckoutSession.objects.select_related("order").get(pk=checkout_id)


def test_a_restored_checkout_that_is_paid_recovers_the_abandoned_one(
    left: CheckoutSession, world: World, billing: BillingService
) -> None:
    order = buy_again(left, world).order
    assert order is not None
    left.refresh_from_db()
    assert left.recovered_at is None
    report(attempt_of(order), "success")
    left.refresh_from_db()
    assert (left.recovered_order, left.recovered_total, left.status) == (order, order.total, "timeout")
    assert left.recovered_at is not None


def test_a_restored_checkout_that_is_not_paid_recovers_nothing(
    left: CheckoutSession, world: World, billing: BillingService
) -> None:
    order = buy_again(left, world).order
    assert order is not None
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    left.refresh_from_db()
    assert (left.recovered_at, left.recovered_order) == (None, None)


def test_a_checkout_is_recovered_once(left: CheckoutSession, world: World, billing: BillingService) -> None:
    first, second = buy_again(left, world).order, buy_again(left, world).order
    for order in (first, second):
        assert order is not None
        report(attempt_of(order), "success")
    left.refresh_from_db()
    assert left.recovered_order == first


def test_who_has_ordered_by_a_link_is_not_reminded(
    left: CheckoutSession, world: World, billing: BillingService
) -> None:
    buy_again(left, world)
    assert remind() == 0


def test_an_order_that_is_paid_after_all_was_not_abandoned(
    world: World, shopper: Shopper, billing: BillingService
) -> None:
    order = shopper.order(world)
    window_ends(order, ago=timedelta(minutes=5))
    expire_due(now=now())
    assert CheckoutSession.objects.lapsed().exists()
    report(attempt_of(order), "success")
    assert not CheckoutSession.objects.lapsed().exists()

"""A shopper whose own unpaid order holds the last pieces is told which; nobody else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from catalog.services import OutOfStockError
from checkout.services import Owner, initiate, replace_items
from core.clock import now
from orders.models import Order, OrderSession
from orders.services import cancel_order, expire_order
from sessions_app import services as visits
from sessions_app.services import Arrival
from tests.billing_server import BillingService
from tests.browsers import CHROME
from tests.world import Shopper, World, attempt_of, cart, report, window_ends

pytestmark = pytest.mark.django_db


def held(shopper: Shopper, world: World) -> Order:
    """An unpaid order of this shopper for all ten mugs."""
    return shopper.order(world, (world.mug, 10))


def filled(shopper: Shopper, world: World) -> str:
    return shopper.checkout((world.tea, 1))


ASKED: dict[str, Callable[[Shopper, World], Any]] = {
    "initiate": lambda s, w: s.initiate((w.mug, 1)),
    "items": lambda s, w: s.call("patch", f"/checkout/{filled(s, w)}/items", {"cartItems": cart([(w.mug, 1)])}),
    "create-from-cart": lambda s, w: s.post("/orders/create-from-cart", {"cartItems": cart([(w.mug, 1)])} | s.buyer(w)),
}


def details_of(answer: Any) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")
    details: dict[str, Any] = answer.json()["details"]
    return details


@pytest.mark.parametrize("call", ASKED)
def test_the_shopper_is_told_of_their_own_order(
    call: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = held(shopper, world)
    told = details_of(ASKED[call](shopper, world))
    assert told["items"][0]["available"] == 0
    assert told["pendingOrder"] == {
        "orderId": str(order.id),
        "number": order.number,
        "expiresAt": OrderSession.objects.get().expires_at.isoformat().replace("+00:00", "Z"),
        "paymentUrl": attempt_of(order).payment_url,
    }


def test_confirm_tells_it_too(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    order = held(shopper, world)
    assert details_of(shopper.confirm(checkout_id, world))["pendingOrder"]["orderId"] == str(order.id)


def test_with_it_the_shopper_can_cancel_and_order_again(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    held(shopper, world)
    order_id = details_of(shopper.initiate((world.mug, 1)))["pendingOrder"]["orderId"]
    assert shopper.post(f"/orders/{order_id}/cancel").status_code == 200
    assert shopper.initiate((world.mug, 1)).status_code == 201


@pytest.mark.parametrize("call", ASKED)
def test_a_stranger_is_not_told(call: str, world: World, billing: BillingService, shopper: Shopper) -> None:
    held(shopper, world)
    stranger = Shopper()
    assert "pendingOrder" not in details_of(ASKED[call](stranger, world))


def test_nor_is_who_names_the_same_e_mail_address(world: World, billing: BillingService, shopper: Shopper) -> None:
    held(shopper, world)
    stranger = Shopper()
    stranger.email = shopper.email
    assert "pendingOrder" not in details_of(ASKED["create-from-cart"](stranger, world))


ENDS: dict[str, Callable[[Order], Any]] = {
    "paid": lambda o: report(attempt_of(o), "success"),
    "cancelled": lambda o: cancel_order(order_id=o.id, actor="test", now=now()),
    "window passed": window_ends,
    "expired": lambda o: expire_order(order_id=o.id, now=now() + timedelta(minutes=18)),
}


@pytest.mark.parametrize("ended", ENDS)
def test_an_order_that_cannot_be_paid_is_not_named(
    ended: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = held(shopper, world)
    ENDS[ended](order)
    Product.objects.filter(pk=world.mug.pk).update(stock_quantity=0)  # sold to somebody else
    assert "pendingOrder" not in details_of(shopper.initiate((world.mug, 1)))


def test_an_order_of_something_else_is_not_named(world: World, billing: BillingService, shopper: Shopper) -> None:
    shopper.order(world, (world.tea, 1))
    assert "pendingOrder" not in details_of(shopper.initiate((world.mug, 11)))


def test_of_two_the_newer_is_named(world: World, billing: BillingService, shopper: Shopper) -> None:
    shopper.order(world, (world.mug, 5))
    newer = shopper.order(world, (world.mug, 5))
    assert details_of(shopper.initiate((world.mug, 1)))["pendingOrder"]["orderId"] == str(newer.id)


@pytest.mark.parametrize("state", ["declined", "billing away"])
def test_without_an_open_attempt_there_is_no_address_to_pay_at(
    state: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    if state == "declined":
        report(attempt_of(held(shopper, world)), "failure")
    else:
        billing.knob("open", down=True)
        shopper.confirm(shopper.checkout((world.mug, 10)), world)
    told = details_of(shopper.initiate((world.mug, 1)))["pendingOrder"]
    assert (told["orderId"], "paymentUrl" in told) == (str(Order.objects.get().id), False)


def other_device(order: Order, *, customer: bool) -> tuple[Any, Owner]:
    """Another visit, perhaps of the same customer."""
    arrival = Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    begun = visits.begin(arrival=arrival, now=now())
    session = visits.open_session(begun, events=[], now=now())
    return session, Owner(session.session_id, session.visitor_id, order.customer_id if customer else None)


@pytest.mark.parametrize("customer", [True, False], ids=["the same customer", "somebody"])
def test_a_customer_is_told_on_another_device(
    customer: bool, world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = held(shopper, world)
    session, owner = other_device(order, customer=customer)
    checkout = initiate(session=session, cart=[(world.tea.id, 1)], now=now())
    with pytest.raises(OutOfStockError) as refusal:
        replace_items(checkout_id=checkout.id, owner=owner, cart=[(world.mug.id, 1)], now=now())
    assert ("pendingOrder" in refusal.value.details) is customer


def test_a_refusal_that_names_no_order_costs_one_statement(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    shopper.visit()
    with CaptureQueriesContext(connection) as captured:
        details_of(shopper.initiate((world.mug, 11)))
    assert sum("orders_order" in query["sql"] for query in captured.captured_queries) == 1

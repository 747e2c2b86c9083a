"""From a checkout to an order: what is placed, what is refused, what it costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from checkout.models import CheckoutSession, ShippingMethod
from customers.models import Customer
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.factories import CouponFactory, CustomerFactory, ProductFactory, UserFactory
from tests.world import ADDRESS, Shopper, World, check_books

pytestmark = pytest.mark.django_db


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_confirm_answers_order_session_payment_and_token(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    data = shopper.buy(world, (world.mug, 2), (world.tea, 1))
    assert set(data) == {"order", "session", "payment", "orderToken"}
    assert (data["order"]["status"], data["order"]["paymentStatus"]) == ("pending", "unpaid")
    assert data["order"]["summary"]["total"] == "59.95"
    assert data["session"]["remainingAttempts"] == 2
    assert data["payment"]["attempt"] | {"openedAt": ""} == {
        "number": 1,
        "status": "open",
        "amount": "59.95",
        "currency": "GBP",
        "paymentUrl": data["payment"]["paymentUrl"],
        "openedAt": "",
        "resolvedAt": None,
    }
    assert len(data["orderToken"]) == 22


def test_billing_is_told_what_is_to_pay(world: World, billing: BillingService, shopper: Shopper) -> None:
    data = shopper.buy(world)
    session = billing.only()
    assert (session.reference, session.amount, session.currency) == (data["order"]["number"], "33.00", "GBP")
    assert data["payment"]["paymentUrl"] == f"{billing.url}/p/{session.checkout_id}"


def test_stock_is_reserved_and_the_ledger_says_for_whom(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world, (world.mug, 3))
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 7
    movement = world.mug.movements.first()
    assert movement is not None
    assert (movement.delta, movement.reason, movement.order_id) == (-3, "reserved", order.id)
    check_books()


def test_the_visit_checkout_and_outbox_know_the_order(world: World, billing: BillingService, shopper: Shopper) -> None:
    order = shopper.order(world)
    checkout = CheckoutSession.objects.get()
    assert (checkout.order_id, checkout.status, checkout.email) == (order.id, "open", shopper.email)
    assert order.checkout_id == checkout.id
    assert VisitorSession.objects.get().order_id == order.id
    assert [(event.topic, event.payload["orderId"]) for event in OutboxEvent.objects.all()] == [
        ("order.created", str(order.id))
    ]


def test_the_order_is_as_the_api_shows_it(world: World, billing: BillingService, shopper: Shopper) -> None:
    billing_address = ADDRESS | {"city": "Leeds"}
    data = shopper.buy(world, billingAddress=billing_address)
    shown = shopper.get(f"/orders/{data['order']['orderId']}").json()["data"]
    filled = {"line2": "", "region": ""}
    assert shown["addresses"] == {"shipping": ADDRESS | filled, "billing": billing_address | filled}
    assert [(item["name"], item["quantity"], item["lineTotal"]) for item in shown["items"]] == [("Mug", 1, "20.00")]
    assert shown["number"].startswith("ORD-")
    assert [change["status"] for change in shown["history"]] == ["pending"]


def test_staff_see_the_postcode_of_a_real_order(
    world: World, billing: BillingService, shopper: Shopper, admin_client: Any
) -> None:
    order = shopper.order(world)
    assert ADDRESS["postalCode"] in admin_client.get(f"/admin/orders/order/{order.id}/change/").content.decode()


def test_the_bill_goes_where_the_goods_go_if_nothing_else_is_said(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world)
    assert order.billing_address == order.shipping_address


def test_a_guest_is_found_by_e_mail_in_any_case_and_not_changed(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    known = CustomerFactory(email="ada@example.com", first_name="Augusta", user=UserFactory(), type="registered")
    shopper.email = "ADA@example.com"
    order = shopper.order(world)
    assert order.customer_id == known.id
    customer = Customer.objects.get()
    assert (customer.email, customer.first_name) == ("ada@example.com", "Augusta")
    assert not order.customer.total_orders


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", None),
        ("firstName", ""),
        ("lastName", None),
        ("shippingAddress", None),
        ("shippingAddress", "London"),
        ("shippingMethodId", "standard"),
        ("expectedTotal", "cheap"),
        ("expectedTotal", True),
        ("expectedTotal", "1e400"),
        ("phone", "1" * 41),
    ],
)
def test_what_is_no_order_is_refused_by_field(
    field: str, value: Any, world: World, billing: BillingService, shopper: Shopper
) -> None:
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world, **{field: value})
    assert refusal(answer) == (400, "INVALID_INPUT")
    assert list(answer.json()["details"]) == [field]


def test_without_a_shipping_method_the_checkout_is_incomplete(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world, shippingMethodId=None)
    assert refusal(answer) == (409, "CHECKOUT_INCOMPLETE")
    assert list(answer.json()["details"]) == ["shippingMethodId"]


def test_the_method_chosen_before_is_enough(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    shopper.post("/checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": ADDRESS})
    assert shopper.confirm(checkout_id, world, shippingMethodId=None).status_code == 201


def test_a_method_that_does_not_serve_the_address_is_refused(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    ShippingMethod.objects.update(is_active=False)
    assert refusal(shopper.confirm(checkout_id, world)) == (400, "INVALID_INPUT")


@pytest.mark.parametrize("expected", ["33.00", "33.0", "33", 33])
def test_the_total_that_the_shopper_saw_is_accepted(
    expected: Any, world: World, billing: BillingService, shopper: Shopper
) -> None:
    assert shopper.confirm(shopper.checkout((world.mug, 1)), world, expectedTotal=expected).status_code == 201


@pytest.mark.parametrize("expected", ["32.99", "33.004", "-33.00", "0", "0.01", "99999999999.999"])
def test_another_total_is_refused_with_the_new_summary(
    expected: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    answer = shopper.confirm(shopper.checkout((world.mug, 1)), world, expectedTotal=expected)
    assert refusal(answer) == (409, "PRICE_CHANGED")
    assert answer.json()["details"]["summary"]["total"] == "33.00"
    assert not Order.objects.exists()


def test_a_price_that_changed_since_is_noticed(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    Product.objects.filter(pk=world.mug.pk).update(price=Decimal("21.00"))
    answer = shopper.confirm(checkout_id, world, expectedTotal="33.00")
    assert refusal(answer) == (409, "PRICE_CHANGED")
    assert answer.json()["details"]["summary"]["total"] == "34.10"


def test_after_a_changed_price_the_shopper_can_confirm_the_new_total(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    shopper.confirm(checkout_id, world, key="first-try", expectedTotal="1.00")
    answer = shopper.confirm(checkout_id, world, key="first-try", expectedTotal="33.00")
    assert answer.status_code == 201


def test_out_of_stock_names_what_is_left_and_places_nothing(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 8), (world.tea, 1))
    Shopper().buy(world, (world.mug, 5))
    answer = shopper.confirm(checkout_id, world)
    assert refusal(answer) == (409, "OUT_OF_STOCK")
    assert answer.json()["details"]["items"] == [
        {"productId": str(world.mug.id), "name": "Mug", "asked": 8, "available": 5}
    ]
    assert (Order.objects.count(), Product.objects.get(pk=world.tea.pk).stock_quantity) == (1, 10)
    assert CheckoutSession.objects.get(pk=checkout_id).status == "open"
    check_books()


def test_a_product_taken_off_sale_meanwhile_is_named(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1), (world.tea, 1))
    Product.objects.filter(pk=world.tea.pk).update(is_active=False)
    answer = shopper.confirm(checkout_id, world)
    assert refusal(answer) == (400, "INVALID_INPUT")
    assert answer.json()["details"] == {"cartItems": [str(world.tea.id)]}


def test_nothing_to_pay_is_paid_at_once(world: World, billing: BillingService, shopper: Shopper) -> None:
    ShippingMethod.objects.update(price=0)
    data = shopper.buy(world, (world.mug, 2), coupon=CouponFactory(value=Decimal(100)).code)
    assert (data["order"]["status"], data["order"]["summary"]["total"]) == ("success", "0.00")
    assert data["payment"] == {"attempt": None, "paymentUrl": None}
    assert not billing.calls
    assert not PaymentAttempt.objects.exists()
    assert OrderSession.objects.get().status == "completed"
    assert VisitorSession.objects.get().converted
    check_books()


def test_the_checkout_of_a_free_order_is_a_success(world: World, billing: BillingService, shopper: Shopper) -> None:
    ShippingMethod.objects.update(price=0)
    shopper.buy(world, coupon=CouponFactory(value=Decimal(100)).code)
    assert CheckoutSession.objects.get().status == "success"


def test_a_second_confirm_of_one_checkout_makes_no_second_order(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    first = shopper.confirm(checkout_id, world).json()["data"]["order"]["orderId"]
    answer = shopper.confirm(checkout_id, world)
    assert refusal(answer) == (409, "CHECKOUT_CLOSED")
    assert answer.json()["details"] == {"orderId": first}
    assert Order.objects.count() == 1


def test_unknown_fields_and_money_of_the_client_are_ignored(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    lies: dict[str, Any] = {
        "total": "0.01",
        "summary": {"total": 1},
        "discountAmount": 50,
        "status": "success",
        "currency": "VND",
    }
    assert shopper.buy(world, **lies)["order"]["summary"]["total"] == "33.00"


def test_an_unknown_checkout_is_not_found(world: World, billing: BillingService, shopper: Shopper) -> None:
    assert refusal(shopper.confirm(str(uuid4()), world)) == (404, "NOT_FOUND")


@pytest.mark.django_db(transaction=True)
def test_confirm_of_three_lines_costs_so_many_statements(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    lines = [(product, 1) for product in ProductFactory.create_batch(3)]
    checkout_id = shopper.checkout(*lines)
    shopper.apply(checkout_id, CouponFactory(max_uses=5).code)
    with CaptureQueriesContext(connection) as queries:
        assert shopper.confirm(checkout_id, world, key="k" * 32).status_code == 201
    statements = "\n".join(f"{n} {query['sql'][:150]}" for n, query in enumerate(queries, 1))
    assert len(queries) == 17, statements

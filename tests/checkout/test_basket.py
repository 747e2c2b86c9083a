"""What goes into a checkout: products, quantities, prices of the catalog."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils.dateparse import parse_datetime

from catalog.models import Product
from checkout.models import CheckoutSession
from core.clock import now
from tests.factories import CouponFactory, ProductFactory
from tests.world import Shopper, World, cart

pytestmark = pytest.mark.django_db


def data_of(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.json()
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_a_checkout_has_the_catalogs_names_and_prices(world: World, shopper: Shopper) -> None:
    data = data_of(shopper.initiate((world.mug, 2)), 201)
    assert data["status"] == "open"
    assert data["items"] == [
        {
            "productId": str(world.mug.id),
            "sku": world.mug.sku,
            "name": "Mug",
            "thumbnail": "",
            "unitPrice": "20.00",
            "quantity": 2,
            "lineTotal": "40.00",
        }
    ]
    assert (data["summary"]["subtotal"], data["summary"]["currency"]) == ("40.00", "GBP")
    assert (data["shippingAddress"], data["shippingMethodId"], data["couponCode"], data["orderId"]) == (None,) * 4


def test_a_checkout_lives_30_minutes(world: World, shopper: Shopper) -> None:
    expires_at = parse_datetime(data_of(shopper.initiate((world.mug, 1)), 201)["expiresAt"])
    assert expires_at is not None
    assert timedelta(minutes=29) < expires_at - now() <= timedelta(minutes=30)


def test_lines_of_one_product_are_merged(world: World, shopper: Shopper) -> None:
    data = data_of(shopper.initiate((world.mug, 1), (world.tea, 1), (world.mug, 3)), 201)
    assert [(line["name"], line["quantity"]) for line in data["items"]] == [("Mug", 4), ("Tea", 1)]


def test_100_lines_are_the_most(shopper: Shopper) -> None:
    products = ProductFactory.create_batch(101)
    assert shopper.initiate(*[(p, 1) for p in products[:100]]).status_code == 201
    answer = shopper.initiate(*[(p, 1) for p in products])
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert list(answer.json()["details"]) == ["cartItems"]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 1.0, 1000, 10**9, 10**30, "2", True, None, [1], {}])
def test_a_quantity_is_a_whole_number_from_1_to_999(world: World, shopper: Shopper, quantity: Any) -> None:
    line = {"productId": str(world.mug.id), "quantity": quantity}
    answer = shopper.post("/checkout/initiate", {"cartItems": [line]})
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")
    assert list(answer.json()["details"]) == ["cartItems.0.quantity"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "1e400", "-1e400"])
def test_a_number_beyond_numbers_is_refused(world: World, shopper: Shopper, literal: str) -> None:
    line = f'{{"productId": "{world.mug.id}", "quantity": {literal}}}'
    body = f'{{"cartItems": [{line}]}}'
    assert shopper.post("/checkout/initiate", body).status_code == 400


def test_999_of_one_product_are_the_most_after_merging_too(shopper: Shopper) -> None:
    many = ProductFactory(track_stock=False)
    assert shopper.initiate((many, 999)).status_code == 201
    answer = shopper.initiate((many, 500), (many, 500))
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cartItems": []},
        {"cartItems": None},
        {"cartItems": {}},
        {"cartItems": "mug"},
        {"cartItems": [1]},
        {"cartItems": [{"quantity": 1}]},
        {"cartItems": [{"productId": "mug", "quantity": 1}]},
        [],
        None,
        1,
    ],
)
def test_what_is_no_cart_is_refused(shopper: Shopper, body: Any) -> None:
    answer = shopper.post("/checkout/initiate", body)
    assert (answer.status_code, answer.json()["success"]) in ((400, False), (415, False))


def test_an_unknown_product_is_named(world: World, shopper: Shopper) -> None:
    missing = str(uuid4())
    body = {"cartItems": [*cart([(world.mug, 1)]), {"productId": missing, "quantity": 1}]}
    answer = shopper.post("/checkout/initiate", body)
    assert (answer.status_code, answer.json()["details"]) == (400, {"cartItems": [missing]})


def test_a_product_that_is_not_for_sale_is_refused(world: World, shopper: Shopper) -> None:
    hidden = ProductFactory(is_active=False)
    answer = shopper.initiate((hidden, 1))
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")


def test_out_of_stock_names_each_product_with_asked_and_available(world: World, shopper: Shopper) -> None:
    answer = shopper.initiate((world.mug, 11), (world.tea, 12))
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")
    assert answer.json()["details"]["items"] == [
        {"productId": str(world.mug.id), "name": "Mug", "asked": 11, "available": 10},
        {"productId": str(world.tea.id), "name": "Tea", "asked": 12, "available": 10},
    ]
    assert not CheckoutSession.objects.exists()


def test_untracked_stock_never_runs_out(shopper: Shopper) -> None:
    assert shopper.initiate((ProductFactory(track_stock=False, stock_quantity=0), 50)).status_code == 201


def test_initiate_reserves_nothing(world: World, shopper: Shopper) -> None:
    shopper.checkout((world.mug, 10))
    assert Product.objects.get(pk=world.mug.pk).stock_quantity == 10


def test_prices_of_the_client_are_ignored(world: World, shopper: Shopper) -> None:
    line = {"productId": str(world.mug.id), "quantity": 1, "price": "0.01", "unitPrice": 0, "lineTotal": -5}
    data = data_of(shopper.post("/checkout/initiate", {"cartItems": [line], "total": 0, "summary": {}}), 201)
    assert data["summary"]["subtotal"] == "20.00"


def test_the_lines_add_up_to_the_subtotal_whatever_digits_a_price_has(shopper: Shopper) -> None:
    finer = ProductFactory(price=Decimal("1.005"), stock_quantity=10)
    data = data_of(shopper.initiate((finer, 3)), 201)
    line = data["items"][0]
    assert Decimal(line["unitPrice"]) * 3 == Decimal(line["lineTotal"]) == Decimal(data["summary"]["subtotal"])


def test_a_sum_that_no_order_can_hold_is_refused(shopper: Shopper) -> None:
    dear = ProductFactory(price=Decimal("999999999.99"), track_stock=False)
    answer = shopper.initiate((dear, 999))
    assert (answer.status_code, answer.json()["error"]) == (400, "INVALID_INPUT")


def test_the_visit_notes_that_a_checkout_began(
    world: World, shopper: Shopper, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        checkout_id = shopper.checkout((world.mug, 1))
    session = shopper.visit()
    stored = CheckoutSession.objects.get(pk=checkout_id)
    assert str(stored.visitor_session_id) == session["sessionId"]


def test_other_lines_replace_the_first(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    data = data_of(shopper.call("patch", f"/checkout/{checkout_id}/items", {"cartItems": cart([(world.tea, 2)])}))
    assert [(line["name"], line["quantity"]) for line in data["items"]] == [("Tea", 2)]
    assert data["summary"]["subtotal"] == "9.00"


def test_replaced_lines_keep_shipping_tax_and_coupon(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    address = shopper.buyer(world)["shippingAddress"]
    shopper.post("/checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": address})
    shopper.apply(checkout_id, CouponFactory(value=Decimal(50)).code)
    data = data_of(shopper.call("patch", f"/checkout/{checkout_id}/items", {"cartItems": cart([(world.mug, 2)])}))
    assert data["summary"] == {
        "subtotal": "40.00",
        "discountAmount": "20.00",
        "shippingAmount": "10.00",
        "taxAmount": "3.00",
        "taxLines": [{"name": "Tax", "rate": "10", "amount": "3.00"}],
        "taxIncluded": False,
        "total": "33.00",
        "currency": "GBP",
    }


def test_replacing_lines_checks_the_stock_and_changes_nothing_if_short(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    answer = shopper.call("patch", f"/checkout/{checkout_id}/items", {"cartItems": cart([(world.mug, 11)])})
    assert (answer.status_code, answer.json()["error"]) == (409, "OUT_OF_STOCK")
    assert data_of(shopper.get(f"/checkout/{checkout_id}"))["items"][0]["quantity"] == 1


def test_a_coupon_that_the_new_lines_do_not_allow_is_taken_off_and_said(world: World, shopper: Shopper) -> None:
    coupon = CouponFactory(minimum_subtotal=Decimal(40))
    checkout_id = shopper.checkout((world.mug, 2))
    assert shopper.apply(checkout_id, coupon.code).status_code == 200
    answer = shopper.call("patch", f"/checkout/{checkout_id}/items", {"cartItems": cart([(world.mug, 1)])})
    data = data_of(answer)
    assert (data["couponCode"], data["summary"]["discountAmount"], data["summary"]["total"]) == (None, "0.00", "20.00")
    assert "£40.00" in answer.json()["message"]
    assert data_of(shopper.get(f"/checkout/{checkout_id}"))["couponCode"] is None

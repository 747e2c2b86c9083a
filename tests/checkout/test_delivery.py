"""Where a checkout goes: methods that serve an address, and the taxes there."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings

from checkout.models import CheckoutSession, ShippingMethod, TaxRate
from tests.billing_server import BillingService
from tests.factories import CouponFactory, ShippingMethodFactory, ShippingZoneFactory, TaxRateFactory
from tests.world import ADDRESS, Shopper, World

pytestmark = pytest.mark.django_db


def shipping(shopper: Shopper, checkout_id: str, method: Any = None, **address: Any) -> Any:
    body = {"checkoutId": checkout_id, "shippingAddress": ADDRESS | address}
    return shopper.post("/checkout/calculate-shipping", body | ({"shippingMethodId": str(method)} if method else {}))


def tax(shopper: Shopper, checkout_id: str, **address: Any) -> Any:
    return shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id, "shippingAddress": ADDRESS | address})


def error_of(answer: Any) -> tuple[int, str, list[str]]:
    body = answer.json()
    return answer.status_code, body["error"], list(body["details"])


@pytest.fixture
def checkout_id(world: World, shopper: Shopper) -> str:
    return shopper.checkout((world.mug, 1))


def test_the_cheapest_method_is_chosen_if_none_is_named(world: World, shopper: Shopper, checkout_id: str) -> None:
    ShippingMethodFactory(zone=world.method.zone, name="Bicycle", price=Decimal("3.00"), min_days=1, max_days=2)
    data = shipping(shopper, checkout_id).json()["data"]
    assert [(m["name"], m["price"], m["minDays"], m["maxDays"]) for m in data["methods"]] == [
        ("Bicycle", "3.00", 1, 2),
        ("Standard", "10.00", 3, 5),
    ]
    assert data["shippingMethodId"] == data["methods"][0]["id"]
    assert data["summary"]["shippingAmount"] == "3.00"


def test_the_method_named_is_chosen_and_kept(world: World, shopper: Shopper, checkout_id: str) -> None:
    dear = ShippingMethodFactory(zone=world.method.zone, name="Courier", price=Decimal("25.00"))
    assert shipping(shopper, checkout_id, dear.id).json()["data"]["summary"]["shippingAmount"] == "25.00"
    again = shipping(shopper, checkout_id, city="Leeds").json()["data"]
    assert again["shippingMethodId"] == str(dear.id)


def test_the_address_is_read_back_as_it_was_sent(shopper: Shopper, checkout_id: str) -> None:
    shipping(shopper, checkout_id, line2="Flat 2", country="gb")
    address = shopper.get(f"/checkout/{checkout_id}").json()["data"]["shippingAddress"]
    assert address == {**ADDRESS, "line2": "Flat 2", "region": ""}


def test_a_country_that_nobody_ships_to_is_refused(shopper: Shopper, checkout_id: str) -> None:
    ShippingMethod.objects.update(zone=ShippingZoneFactory(countries=["FR"]))
    assert error_of(shipping(shopper, checkout_id)) == (400, "INVALID_INPUT", ["shippingAddress.country"])


def test_a_method_that_does_not_serve_the_address_is_refused(shopper: Shopper, checkout_id: str) -> None:
    french = ShippingMethodFactory(zone=ShippingZoneFactory(countries=["FR"]))
    assert error_of(shipping(shopper, checkout_id, french.id)) == (400, "INVALID_INPUT", ["shippingMethodId"])


def test_an_unknown_method_is_refused(shopper: Shopper, checkout_id: str) -> None:
    assert error_of(shipping(shopper, checkout_id, uuid4())) == (400, "INVALID_INPUT", ["shippingMethodId"])


def test_a_method_that_was_switched_off_is_not_offered(world: World, shopper: Shopper, checkout_id: str) -> None:
    other = ShippingMethodFactory(zone=world.method.zone, price=Decimal("12.00"))
    ShippingMethod.objects.filter(pk=world.method.pk).update(is_active=False)
    assert [m["id"] for m in shipping(shopper, checkout_id).json()["data"]["methods"]] == [str(other.id)]


def test_a_zone_that_names_the_country_comes_before_everywhere_else(shopper: Shopper, checkout_id: str) -> None:
    british = ShippingMethodFactory(zone=ShippingZoneFactory(countries=["GB", "IE"]), price=Decimal("15.00"))
    assert [m["id"] for m in shipping(shopper, checkout_id).json()["data"]["methods"]] == [str(british.id)]


@pytest.mark.parametrize("what", ["switched off", "taken away"])
def test_a_zone_without_a_method_is_where_nobody_ships_whatever_ships_everywhere(
    world: World, shopper: Shopper, checkout_id: str, what: str
) -> None:
    british = ShippingMethodFactory(zone=ShippingZoneFactory(countries=["GB"]))
    if what == "switched off":
        ShippingMethod.objects.filter(pk=british.pk).update(is_active=False)
    else:
        ShippingMethod.objects.filter(pk=british.pk).delete()
    assert error_of(shipping(shopper, checkout_id)) == (400, "INVALID_INPUT", ["shippingAddress.country"])
    assert shipping(shopper, checkout_id, country="FR").status_code == 200


def offered(shopper: Shopper, checkout_id: str) -> list[tuple[str, str]]:
    return [(m["name"], m["price"]) for m in shipping(shopper, checkout_id).json()["data"]["methods"]]


def test_methods_cost_what_this_cart_would_pay(world: World, shopper: Shopper) -> None:
    ShippingMethod.objects.update(free_over=Decimal("40.00"))
    assert offered(shopper, shopper.checkout((world.mug, 1))) == [("Standard", "10.00")]
    assert offered(shopper, shopper.checkout((world.mug, 2))) == [("Standard", "0.00")]


def test_with_a_coupon_for_shipping_each_method_is_free(world: World, shopper: Shopper, checkout_id: str) -> None:
    ShippingMethodFactory(zone=world.method.zone, name="Courier", price=Decimal("25.00"))
    CouponFactory(code="FREE", kind="free_shipping")
    assert shopper.apply(checkout_id, "FREE").status_code == 200
    assert offered(shopper, checkout_id) == [("Standard", "0.00"), ("Courier", "0.00")]


def test_the_cheapest_is_the_one_that_is_free_for_this_cart(world: World, shopper: Shopper, checkout_id: str) -> None:
    ShippingMethodFactory(zone=world.method.zone, name="Courier", price=Decimal("25.00"), free_over=Decimal("20.00"))
    assert offered(shopper, checkout_id) == [("Courier", "0.00"), ("Standard", "10.00")]
    assert shipping(shopper, checkout_id).json()["data"]["summary"]["shippingAmount"] == "0.00"


def test_shipping_is_free_from_the_methods_limit_on(world: World, shopper: Shopper) -> None:
    ShippingMethod.objects.update(free_over=Decimal("40.00"))
    assert shipping(shopper, shopper.checkout((world.mug, 1))).json()["data"]["summary"]["shippingAmount"] == "10.00"
    assert shipping(shopper, shopper.checkout((world.mug, 2))).json()["data"]["summary"]["shippingAmount"] == "0.00"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "XX"),
        ("country", "GBR"),
        ("country", ""),
        ("country", None),
        ("line1", ""),
        ("postalCode", "1" * 21),
    ],
)
def test_what_is_no_address_is_refused(shopper: Shopper, checkout_id: str, field: str, value: Any) -> None:
    answer = shipping(shopper, checkout_id, **{field: value})
    assert error_of(answer) == (400, "INVALID_INPUT", [f"shippingAddress.{field}"])


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_text_that_postgresql_cannot_hold_is_refused(shopper: Shopper, checkout_id: str, text: str) -> None:
    assert error_of(shipping(shopper, checkout_id, city=text)) == (400, "INVALID_INPUT", ["shippingAddress.city"])


def test_tax_is_of_goods_and_shipping(shopper: Shopper, checkout_id: str) -> None:
    shipping(shopper, checkout_id)
    summary = tax(shopper, checkout_id).json()["data"]["summary"]
    assert summary["taxLines"] == [{"name": "Tax", "rate": "10", "amount": "3.00"}]
    assert (summary["taxAmount"], summary["total"]) == ("3.00", "33.00")


def test_tax_is_by_the_address_chosen_before_if_none_is_sent(shopper: Shopper, checkout_id: str) -> None:
    shipping(shopper, checkout_id)
    answer = shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id})
    assert answer.json()["data"]["summary"]["taxAmount"] == "3.00"


def test_a_rate_that_changed_is_found_and_kept_by_asking_for_the_tax(shopper: Shopper, checkout_id: str) -> None:
    shipping(shopper, checkout_id)
    TaxRate.objects.update(rate=20)
    shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id})
    assert CheckoutSession.objects.get(pk=checkout_id).summary["taxAmount"] == "6.00"


def test_taxing_another_address_takes_a_method_that_serves_it(
    world: World, billing: BillingService, shopper: Shopper, checkout_id: str
) -> None:
    shipping(shopper, checkout_id)
    french = ShippingMethodFactory(zone=ShippingZoneFactory(countries=["FR"]), price=Decimal("15.00"))
    data = tax(shopper, checkout_id, country="FR").json()["data"]
    assert (data["shippingMethodId"], data["summary"]["shippingAmount"]) == (str(french.id), "15.00")
    address = data["shippingAddress"]
    assert shopper.confirm(checkout_id, world, shippingMethodId=None, shippingAddress=address).status_code == 201


def test_taxing_another_address_keeps_a_method_that_serves_it(world: World, shopper: Shopper, checkout_id: str) -> None:
    dear = ShippingMethodFactory(zone=world.method.zone, name="Courier", price=Decimal("25.00"))
    shipping(shopper, checkout_id, dear.id)
    assert tax(shopper, checkout_id, country="FR").json()["data"]["shippingMethodId"] == str(dear.id)


def test_an_address_that_nobody_ships_to_is_refused_when_it_is_taxed(
    world: World, shopper: Shopper, checkout_id: str
) -> None:
    shipping(shopper, checkout_id)
    ShippingZoneFactory(countries=["FR"])
    assert error_of(tax(shopper, checkout_id, country="FR")) == (400, "INVALID_INPUT", ["shippingAddress.country"])


def test_tax_needs_an_address(shopper: Shopper, checkout_id: str) -> None:
    answer = shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id})
    assert error_of(answer) == (400, "INVALID_INPUT", ["shippingAddress"])


def test_a_countrys_rate_comes_before_everywhere_elses(shopper: Shopper, checkout_id: str) -> None:
    TaxRateFactory(country="GB", name="VAT", rate=Decimal(20))
    assert tax(shopper, checkout_id).json()["data"]["summary"]["taxAmount"] == "4.00"


def test_a_regions_rates_count_instead_of_the_countrys(shopper: Shopper, checkout_id: str) -> None:
    TaxRateFactory(country="CA", name="GST", rate=Decimal(5))
    TaxRateFactory(country="CA", region="Quebec", name="GST", rate=Decimal(5))
    TaxRateFactory(country="CA", region="Quebec", name="QST", rate=Decimal("9.975"))
    summary = tax(shopper, checkout_id, country="CA", region="QUEBEC").json()["data"]["summary"]
    assert [(line["name"], line["rate"], line["amount"]) for line in summary["taxLines"]] == [
        ("GST", "5", "1.00"),
        ("QST", "9.975", "2.00"),
    ]
    assert tax(shopper, checkout_id, country="CA", region="Yukon").json()["data"]["summary"]["taxAmount"] == "1.00"


def test_a_place_without_a_rate_is_refused_if_the_shop_has_rates(
    world: World, shopper: Shopper, checkout_id: str
) -> None:
    type(world.tax).objects.update(country="GB")
    assert error_of(tax(shopper, checkout_id, country="FR")) == (400, "INVALID_INPUT", ["shippingAddress.country"])


def test_a_shop_without_rates_taxes_nobody(world: World, shopper: Shopper, checkout_id: str) -> None:
    type(world.tax).objects.all().delete()
    assert tax(shopper, checkout_id).json()["data"]["summary"]["taxAmount"] == "0.00"


def test_gross_prices_are_not_raised_by_the_tax_in_them(
    settings: LazySettings, shopper: Shopper, checkout_id: str
) -> None:
    settings.PRICES_INCLUDE_TAX = True
    shipping(shopper, checkout_id)
    summary = tax(shopper, checkout_id).json()["data"]["summary"]
    assert (summary["taxAmount"], summary["total"]) == ("2.73", "30.00")


def test_a_currency_without_minor_unit_has_no_decimals(settings: LazySettings, world: World, shopper: Shopper) -> None:
    settings.SHOP_CURRENCY = "VND"
    world.mug.price = Decimal(65001)
    world.mug.save(update_fields=["price"])
    checkout_id = shopper.checkout((world.mug, 1))
    summary = tax(shopper, checkout_id).json()["data"]["summary"]
    assert (summary["subtotal"], summary["taxAmount"], summary["total"]) == ("65001", "6500", "71501")

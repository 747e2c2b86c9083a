"""The tables that price a checkout, kept in the process for as long as they are what PostgreSQL has."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.models import PriceTablesVersion, ShippingMethod, ShippingZone, TaxRate
from checkout.tables import kept, price_tables
from tests.factories import ShippingMethodFactory, ShippingZoneFactory, TaxRateFactory
from tests.world import ADDRESS, Shopper, World

pytestmark = pytest.mark.django_db


def version() -> Any:
    return PriceTablesVersion.objects.get().version


CHANGES: dict[str, Callable[[], object]] = {
    "a new rate": lambda: TaxRateFactory(country="FR", rate=Decimal("5")),
    "another rate": lambda: TaxRate.objects.update(rate=Decimal("7")),
    "a rate removed": lambda: TaxRate.objects.all().delete(),
    "a new method": lambda: ShippingMethodFactory(zone=ShippingZone.objects.get()),
    "another price": lambda: ShippingMethod.objects.update(price=Decimal("3")),
    "other countries": lambda: ShippingZone.objects.update(countries=["FR"]),
    "a zone removed": lambda: ShippingZone.objects.all().delete(),
    "plain SQL": lambda: connection.cursor().execute("UPDATE checkout_taxrate SET rate = 1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_any_of_the_tables_makes_another_version(world: World, change: Callable[[], object]) -> None:
    before = version()
    change()
    assert version() != before


def test_the_same_version_is_read_once(world: World) -> None:
    now = version()
    tables = price_tables(now)
    with CaptureQueriesContext(connection) as queries:
        assert price_tables(now) is tables
    assert len(queries) == 0


def test_the_last_version_is_kept_alone(world: World) -> None:
    price_tables(version())
    TaxRate.objects.update(rate=Decimal("7"))
    price_tables(version())
    assert list(kept) == [version()]


def test_without_a_version_the_tables_are_read() -> None:
    ShippingMethodFactory(zone=ShippingZoneFactory(countries=["GB"]))
    assert len(price_tables().methods_for("GB")) == 1
    ShippingMethod.objects.all().delete()
    assert price_tables().methods_for("GB") == []


def test_what_staff_change_counts_at_the_next_step(world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    body = {"checkoutId": checkout_id, "shippingAddress": ADDRESS}
    before = shopper.post("/checkout/calculate-shipping", body).json()["data"]["summary"]
    ShippingMethod.objects.update(price=Decimal("1.00"))
    TaxRate.objects.update(rate=Decimal("0"))
    after = shopper.post("/checkout/calculate-shipping", body).json()["data"]["summary"]
    assert (after["shippingAmount"], after["taxAmount"]) == ("1.00", "0.00")
    assert (before["shippingAmount"], before["taxAmount"]) != ("1.00", "0.00")


def test_a_method_taken_out_of_service_keeps_its_price_until_the_order_is_confirmed(
    world: World, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    shopper.post("/checkout/calculate-shipping", {"checkoutId": checkout_id, "shippingAddress": ADDRESS})
    ShippingMethod.objects.update(is_active=False)
    taxed = shopper.post("/checkout/calculate-tax", {"checkoutId": checkout_id}).json()["data"]["summary"]
    assert taxed["shippingAmount"] == "10.00"

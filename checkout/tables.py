"""The tables that price a checkout: who ships where, for how much, with which taxes.

Staff change them now and then, every step of a checkout needs them. A process keeps them as long as PostgreSQL says the
same version, which each read of a checkout brings along: what was changed counts from the next request on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from checkout.models import CheckoutSession, ShippingMethod, ShippingZone, TaxRate
from checkout.pricing import Tax

EVERYWHERE = "*"


@dataclass(frozen=True)
class PriceTables:
    """Shipping zones, the methods in service with their zones, the cheapest first, and tax rates."""

    zones: Sequence[ShippingZone]
    methods: Sequence[ShippingMethod]
    rates: Sequence[TaxRate]

    def methods_for(self, country: str) -> list[ShippingMethod]:
        """The methods that serve a country; those of `*` where no zone names it. A zone that names it and has no method
        in service is where the shop does not ship.
        """
        named = any(country in zone.countries for zone in self.zones)
        wanted = country if named else EVERYWHERE
        return [method for method in self.methods if wanted in method.zone.countries]

    def method(self, method_id: UUID | None) -> ShippingMethod | None:
        """The method of that id."""
        return next((method for method in self.methods if method.id == method_id), None)

    def taxes_for(self, country: str, region: str) -> list[Tax] | None:
        """The taxes of a place: the region's, else the country's, else those of `*`.

        None if the shop has tax rates, but none for this place; an empty list if it has no tax rates at all.
        """
        for wanted in ((country, region.casefold()), (country, ""), (EVERYWHERE, "")):
            if found := [rate for rate in self.rates if (rate.country, rate.region.casefold()) == wanted]:
                return [Tax(rate.name, rate.rate, rate.applies_to_shipping) for rate in found]
        return None if self.rates else []


kept: dict[UUID, PriceTables] = {}
"""The last version read, alone."""


def tables_of(checkout: CheckoutSession) -> PriceTables:
    """The tables for a checkout; those kept, if what read it brought their version along."""
    return price_tables(checkout.tables_version)


def price_tables(version: UUID | None = None) -> PriceTables:
    """The tables as they are, or as they were kept under this version."""
    found = kept.get(version) if version else None
    if found is None:
        methods = ShippingMethod.objects.filter(is_active=True).select_related("zone")
        found = PriceTables(list(ShippingZone.objects.all()), list(methods), list(TaxRate.objects.all()))
        if version:
            kept.clear()
            kept[version] = found
    return found

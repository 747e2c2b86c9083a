"""The tables that price a checkout: who ships where, for how much, with which taxes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from checkout.models import CheckoutSession, ShippingMethod, TaxRate
from checkout.pricing import Discount, Shipping, Tax

EVERYWHERE = "*"


def methods_for(country: str) -> list[ShippingMethod]:
    """The methods that serve a country, cheapest first; those of `*` where no zone names it."""
    methods = ShippingMethod.objects.filter(
        Q(zone__countries__contains=country) | Q(zone__countries__contains=EVERYWHERE), is_active=True
    ).select_related("zone")
    own = [method for method in methods if country in method.zone.countries]
    return own or list(methods)


def taxes_for(country: str, region: str) -> list[Tax] | None:
    """The taxes of a place: the region's, else the country's, else those of `*`.

    None if the shop has tax rates, but none for this place; an empty list if it has no tax rates at all.
    """
    rates = list(TaxRate.objects.all())
    for wanted in ((country, region.casefold()), (country, ""), (EVERYWHERE, "")):
        found = [rate for rate in rates if (rate.country, rate.region.casefold()) == wanted]
        if found:
            return [Tax(rate.name, rate.rate, rate.applies_to_shipping) for rate in found]
    return None if rates else []


def discount_of(checkout: CheckoutSession) -> Discount | None:
    """What the checkout's coupon gives."""
    return Discount(checkout.coupon.kind, checkout.coupon.value) if checkout.coupon else None


def shipping_of(method: ShippingMethod | None) -> Shipping | None:
    """The method as pricing sees it."""
    return Shipping(method.price, method.free_over) if method else None


def find_method(methods: Sequence[ShippingMethod], method_id: object) -> ShippingMethod | None:
    """The method of that id among those that serve the address."""
    return next((method for method in methods if method.id == method_id), None)

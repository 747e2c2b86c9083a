"""A checkout as pricing sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from django.conf import settings

from checkout.models import CheckoutSession, ShippingMethod
from checkout.pricing import Discount, Line, Shipping, carriage_of, price


def priced_lines(checkout: CheckoutSession) -> list[Line]:
    """What is in the cart, as it was last worked out."""
    return [Line(Decimal(line["unitPrice"]), line["quantity"]) for line in checkout.items]


def discount_of(checkout: CheckoutSession) -> Discount | None:
    """What the checkout's coupon gives."""
    return Discount(checkout.coupon.kind, checkout.coupon.value) if checkout.coupon else None


def shipping_of(method: ShippingMethod | None) -> Shipping | None:
    """The method as pricing sees it."""
    return Shipping(method.price, method.free_over) if method else None


@dataclass(frozen=True)
class Offer:
    """A way to ship, and what this cart would pay for it."""

    method: ShippingMethod
    price: Decimal


def offers_of(checkout: CheckoutSession, methods: Iterable[ShippingMethod]) -> list[Offer]:
    """What the cart would pay for each of these, the cheapest first; of the same price, as they were given."""
    currency, discount = settings.SHOP_CURRENCY, discount_of(checkout)
    sums = price(priced_lines(checkout), currency=currency, discount=discount)
    goods = sums.subtotal - sums.discount_amount
    offers = [Offer(method, carriage_of(goods, shipping_of(method), discount, currency)) for method in methods]
    return sorted(offers, key=attrgetter("price"))

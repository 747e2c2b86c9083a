"""A checkout as pricing sees it."""

from __future__ import annotations

from collections.abc import Sequence

from checkout.models import CheckoutSession, ShippingMethod
from checkout.pricing import Discount, Shipping


def discount_of(checkout: CheckoutSession) -> Discount | None:
    """What the checkout's coupon gives."""
    return Discount(checkout.coupon.kind, checkout.coupon.value) if checkout.coupon else None


def shipping_of(method: ShippingMethod | None) -> Shipping | None:
    """The method as pricing sees it."""
    return Shipping(method.price, method.free_over) if method else None


def find_method(methods: Sequence[ShippingMethod], method_id: object) -> ShippingMethod | None:
    """The method of that id among those that serve the address."""
    return next((method for method in methods if method.id == method_id), None)

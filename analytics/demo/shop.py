"""The shop before its first visitor: staff, products, prices, goals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from analytics.demo.tables import (
    COUPONS,
    GOAL_OF_MONTH,
    SLOW,
    STAFF_EMAIL,
    STAFF_PASSWORD,
    STANDARD,
    TAX_PERCENT,
    WARES,
)
from analytics.models import SalesGoal
from catalog.models import Category, Product
from checkout.models import Coupon, ShippingMethod, ShippingZone, TaxRate
from checkout.pricing import Tax
from checkout.tables import EVERYWHERE, price_tables
from customers.groups import create_groups
from customers.models import User


class NotInDevelopmentError(Exception):
    """The demo shop and its well-known password are for development."""


@dataclass(frozen=True)
class Shop:
    """What a history is made with. `wares` are products with how often each is bought."""

    staff: User
    wares: list[tuple[Product, float]]
    standard: ShippingMethod
    slow: ShippingMethod
    coupons: dict[str, Coupon]
    taxes: list[Tax]


@transaction.atomic
def ensure_staff() -> User:
    """The demo login: in both groups and a superuser, so that everything can be seen.

    Raises:
        NotInDevelopmentError: in production, where everybody would know its password.
    """
    if not settings.DEVELOPMENT:
        raise NotInDevelopmentError(f"{STAFF_EMAIL} has a password that everybody knows: development only.")
    staff = User.objects.filter(email=STAFF_EMAIL).first()
    if staff is None:
        staff = User.objects.create_superuser(STAFF_EMAIL, STAFF_PASSWORD, first_name="Sam", last_name="Staff")
    staff.groups.add(*create_groups())
    return staff


def create_shop(*, staff: User, opened_at: datetime, months: Iterable[date]) -> Shop:
    """Products without stock, prices, coupons and the goals of the months, by their first days."""
    for month in months:
        SalesGoal.objects.get_or_create(
            period=SalesGoal.Period.MONTH, starts_on=month, defaults={"amount": GOAL_OF_MONTH}
        )
    TaxRate.objects.get_or_create(country=EVERYWHERE, region="", name="Tax", defaults={"rate": TAX_PERCENT})
    zone, _ = ShippingZone.objects.get_or_create(name="Everywhere", defaults={"countries": [EVERYWHERE]})
    return Shop(
        staff=staff,
        wares=create_products(opened_at),
        standard=create_method(zone, *STANDARD),
        slow=create_method(zone, *SLOW),
        coupons={code: create_coupon(code, kind, Decimal(value)) for code, kind, value in COUPONS},
        taxes=price_tables().taxes_for(EVERYWHERE, "") or [],
    )


def create_products(opened_at: datetime) -> list[tuple[Product, float]]:
    """The products on their shelves, each with its weight."""
    shelves = {
        name: Category.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0]
        for name in dict.fromkeys(ware.shelf for ware in WARES)
    }
    products = [
        Product(
            slug=slugify(ware.name),
            sku=f"{ware.kind[:3].upper()}-{number:03}",
            name=ware.name,
            description=ware.description,
            category=shelves[ware.shelf],
            price=Decimal(ware.price),
            thumbnail=f"{settings.STATIC_URL}storefront/products/{ware.kind}.svg",
            created_at=opened_at,
        )
        for number, ware in enumerate(WARES, start=101)
    ]
    Product.objects.bulk_create(products)
    return [(product, ware.weight) for product, ware in zip(products, WARES, strict=True)]


def create_method(
    zone: ShippingZone, name: str, price: Decimal, free_over: Decimal | None, min_days: int, max_days: int
) -> ShippingMethod:
    """A way to ship."""
    prices = {"price": price, "free_over": free_over, "min_days": min_days, "max_days": max_days}
    return ShippingMethod.objects.get_or_create(zone=zone, name=name, defaults=prices)[0]


def create_coupon(code: str, kind: str, value: Decimal) -> Coupon:
    """A coupon for everybody, for ever."""
    return Coupon.objects.get_or_create(code=code, defaults={"kind": kind, "value": value})[0]

"""Carts of every kind, and what they cost by the rules of the shop: worked out in fractions, by none of its code."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

DIGITS = {"GBP": 2, "VND": 0, "KWD": 3}
COUNTRY, REGION = "GB", "Kent"
PLACES = [("*", ""), (COUNTRY, ""), (COUNTRY, REGION), (COUNTRY, "Devon"), ("FR", "")]
"""Where a tax is for; the shopper lives in Kent."""


@dataclass(frozen=True)
class Tax:
    """A tax of a place, in percent."""

    place: tuple[str, str]
    rate: Decimal
    on_shipping: bool


@dataclass(frozen=True)
class Coupon:
    """A coupon, and what the goods must cost for it."""

    kind: str
    value: Decimal
    minimum: Decimal


@dataclass(frozen=True)
class Cart:
    """What is bought, and how the shop is set. Amounts have up to three decimals, whatever the currency has."""

    currency: str
    gross: bool
    lines: tuple[tuple[Decimal, int], ...]
    carriage: Decimal
    free_over: Decimal | None
    coupon: Coupon | None
    taxes: tuple[Tax, ...]


@dataclass(frozen=True)
class Cost:
    """What the shop must say."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal
    coupon_refused: bool
    sold: bool
    """Whether there is a tax rate for the place, or none at all."""


def amounts(most: int) -> st.SearchStrategy[Decimal]:
    """Amounts of up to three decimals, often such as lie in the middle between two minor units."""
    thousandths = st.integers(0, most * 1000)
    halves = thousandths.map(lambda number: min(number // 10 * 10 + 5, most * 1000))
    return (thousandths | halves).map(lambda number: Decimal(number).scaleb(-3))


def carts() -> st.SearchStrategy[Cart]:
    """Everything that a price depends on."""
    percent = st.builds(Coupon, st.just("percent"), amounts(100), amounts(300))
    others = st.builds(Coupon, st.sampled_from(["fixed", "free_shipping"]), amounts(400), amounts(300))
    rates = st.integers(0, 300_000).map(lambda parts: Decimal(parts).scaleb(-4))
    taxes = st.lists(st.builds(Tax, st.sampled_from(PLACES), rates, st.booleans()), max_size=4).map(tuple)
    lines = st.lists(st.tuples(amounts(200), st.integers(1, 999)), min_size=1, max_size=4).map(tuple)
    free_over = st.none() | amounts(500)
    coupon = st.none() | percent | others
    return st.builds(Cart, st.sampled_from(list(DIGITS)), st.booleans(), lines, amounts(30), free_over, coupon, taxes)


def cost(cart: Cart) -> Cost:
    """What a cart costs."""
    digits = DIGITS[cart.currency]
    goods = sum(rounded(rounded(price, digits) * quantity, digits) for price, quantity in cart.lines)
    coupon = cart.coupon if cart.coupon and goods >= Fraction(cart.coupon.minimum) else None
    off = discount(goods, coupon, digits)
    left = goods - off
    free = (coupon and coupon.kind == "free_shipping") or (cart.free_over is not None and left >= cart.free_over)
    carriage = Fraction(0) if free else rounded(cart.carriage, digits)
    taxes = of_place(cart.taxes)
    tax = sum((rounded(share(each, taxes, left, carriage, cart.gross), digits) for each in taxes), Fraction(0))
    total = left + carriage + (0 if cart.gross else tax)
    return Cost(
        subtotal=decimal(goods),
        discount=decimal(off),
        shipping=decimal(carriage),
        tax=decimal(tax),
        total=decimal(total),
        coupon_refused=coupon is not cart.coupon,
        sold=bool(taxes) or not cart.taxes,
    )


def discount(goods: Fraction | int, coupon: Coupon | None, digits: int) -> Fraction:
    """What a coupon takes off the goods; never more than they cost."""
    if coupon is None or coupon.kind == "free_shipping":
        return Fraction(0)
    value = Fraction(coupon.value)
    return min(rounded(goods * value / 100 if coupon.kind == "percent" else value, digits), Fraction(goods))


def of_place(taxes: tuple[Tax, ...]) -> list[Tax]:
    """Those of the shopper's place: of the region, else of the country, else of everywhere else."""
    for place in ((COUNTRY, REGION), (COUNTRY, ""), ("*", "")):
        if found := [tax for tax in taxes if tax.place == place]:
            return found
    return []


def share(tax: Tax, taxes: list[Tax], goods: Fraction, carriage: Fraction, gross: bool) -> Fraction:
    """One tax: on top of net prices, or the part of it that is in gross ones."""
    rate = Fraction(tax.rate) / 100
    in_goods = sum((Fraction(each.rate) / 100 for each in taxes), Fraction(0)) if gross else 0
    in_carriage = sum((Fraction(each.rate) / 100 for each in taxes if each.on_shipping), Fraction(0)) if gross else 0
    return goods * rate / (1 + in_goods) + (carriage * rate / (1 + in_carriage) if tax.on_shipping else 0)


def rounded(amount: Fraction | Decimal, digits: int) -> Fraction:
    """Half-even to so many decimals."""
    return Fraction(round(Fraction(amount) * 10**digits), 10**digits)


def decimal(amount: Fraction | int) -> Decimal:
    """The same amount; it has three decimals at most."""
    return Decimal(int(amount * 1000)).scaleb(-3)

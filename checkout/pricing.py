"""What a cart costs. Pure: dataclasses in, a summary out, no database. The one place where totals are made.

Rounding is half-even to the currency's minor unit, at each line and at each tax line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import ZERO, round_money

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Line:
    """Pieces of one product at its price."""

    unit_price: Decimal
    quantity: int

    def total(self, currency: str) -> Decimal:
        """Price times quantity, rounded."""
        return round_money(self.unit_price * self.quantity, currency)


@dataclass(frozen=True)
class Discount:
    """What a coupon gives. `kind` is percent, fixed or free_shipping; `value` a percentage or an amount."""

    kind: str
    value: Decimal


@dataclass(frozen=True)
class Shipping:
    """The chosen way to ship."""

    price: Decimal
    free_over: Decimal | None = None


@dataclass(frozen=True)
class Tax:
    """One tax of the place; `rate` is percent."""

    name: str
    rate: Decimal
    applies_to_shipping: bool = True


@dataclass(frozen=True)
class TaxLine:
    """What one tax comes to."""

    name: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Summary:
    """The sums of a checkout. `total` = subtotal − discount + shipping, plus tax unless prices include it."""

    subtotal: Decimal
    discount_amount: Decimal
    shipping_amount: Decimal
    tax_amount: Decimal
    tax_lines: tuple[TaxLine, ...]
    total: Decimal
    currency: str


def price(
    lines: Sequence[Line],
    *,
    currency: str,
    discount: Discount | None = None,
    shipping: Shipping | None = None,
    taxes: Sequence[Tax] = (),
    prices_include_tax: bool = False,
) -> Summary:
    """The summary of a cart as far as it is known: without shipping or taxes those are 0."""
    subtotal = sum((line.total(currency) for line in lines), ZERO)
    off = discount_on(subtotal, discount, currency)
    carriage = carriage_of(subtotal - off, shipping, discount, currency)
    tax_lines = tuple(
        tax_line(
            tax,
            goods=subtotal - off,
            carriage=carriage,
            taxes=taxes,
            included=prices_include_tax,
            currency=currency,
        )
        for tax in taxes
    )
    tax_amount = sum((line.amount for line in tax_lines), ZERO)
    total = subtotal - off + carriage + (ZERO if prices_include_tax else tax_amount)
    return Summary(subtotal, off, carriage, tax_amount, tax_lines, total, currency)


def discount_on(subtotal: Decimal, discount: Discount | None, currency: str) -> Decimal:
    """What is taken off the goods; never more than they cost."""
    if discount is None or discount.kind == "free_shipping":
        return ZERO
    amount = subtotal * discount.value / HUNDRED if discount.kind == "percent" else discount.value
    return min(round_money(amount, currency), subtotal)


def carriage_of(goods: Decimal, shipping: Shipping | None, discount: Discount | None, currency: str) -> Decimal:
    """What shipping costs; free by coupon, or from the method's own limit on."""
    if shipping is None or (discount is not None and discount.kind == "free_shipping"):
        return ZERO
    if shipping.free_over is not None and goods >= shipping.free_over:
        return ZERO
    return round_money(shipping.price, currency)


def tax_line(
    tax: Tax, *, goods: Decimal, carriage: Decimal, taxes: Sequence[Tax], included: bool, currency: str
) -> TaxLine:
    """One tax on the goods, and on the carriage if it applies there.

    A price that includes its taxes is net × (1 + all rates that apply to it), so each tax's part is taken from that.
    """
    amount = part(goods, tax.rate, sum((t.rate for t in taxes), ZERO) if included else ZERO)
    if tax.applies_to_shipping:
        rates = sum((t.rate for t in taxes if t.applies_to_shipping), ZERO) if included else ZERO
        amount += part(carriage, tax.rate, rates)
    return TaxLine(tax.name, tax.rate, round_money(amount, currency))


def part(amount: Decimal, rate: Decimal, rates_included: Decimal) -> Decimal:
    """A tax of `rate` percent on an amount that includes taxes of `rates_included` percent."""
    return amount * rate / (HUNDRED + rates_included)

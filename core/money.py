"""Money: decimals in a currency's own minor unit, rounded half-even."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from babel import Locale
from babel.numbers import format_compact_currency, format_currency, get_currency_precision, list_currencies
from django.conf import settings
from django.db import models

ZERO = Decimal(0)
LARGEST = Decimal("99999999999.999")
"""What one order may come to. A `MoneyField` holds ten thousand of them: the sums of a shop must fit too."""
CURRENCIES: frozenset[str] = frozenset(list_currencies())


class UnknownCurrencyError(ValueError):
    """The code is not in ISO 4217; babel alone would silently take two digits."""


def minor_digits(currency: str) -> int:
    """Digits after the point: 2 for GBP, 0 for VND, 3 for KWD.

    Raises:
        UnknownCurrencyError: no such currency.
    """
    if currency not in CURRENCIES:
        raise UnknownCurrencyError(currency)
    return int(get_currency_precision(currency))


@cache
def minor_unit(currency: str) -> Decimal:
    """The smallest amount: 0.01 for GBP, 1 for VND.

    Raises:
        UnknownCurrencyError: no such currency.
    """
    return Decimal(1).scaleb(-minor_digits(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units, half-even."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN)


def money_string(amount: Decimal, currency: str | None = None) -> str:
    """The amount as the API writes it: `48.90`, or `65000` in a currency without minor unit."""
    return str(round_money(amount, currency or settings.SHOP_CURRENCY))


def money_text(amount: Decimal, currency: str | None = None, language: str = "en") -> str:
    """The amount as people write it: `£48.90`."""
    return str(format_currency(amount, currency or settings.SHOP_CURRENCY, locale=locale_of(language)))


locale_of = cache(Locale.parse)
"""What babel knows of a language; it looks at the name each time anew."""


def money_short(amount: Decimal) -> str:
    """The amount in the shop's currency in few characters: `£48.90`, `£11,638`, `£1.24M`."""
    if abs(amount) < 1_000:
        return money_text(amount)
    if abs(amount) < 100_000:
        return money_whole(amount)
    return str(format_compact_currency(amount, settings.SHOP_CURRENCY, locale=locale_of("en"), fraction_digits=2))


def money_whole(amount: Decimal) -> str:
    """The amount in the shop's currency without minor units: `£48`."""
    return str(format_currency(amount, settings.SHOP_CURRENCY, "¤#,##0", locale=locale_of("en"), currency_digits=False))


class Sums(Protocol):
    """The sums of a checkout or an order."""

    @property
    def subtotal(self) -> Decimal: ...
    @property
    def discount_amount(self) -> Decimal: ...
    @property
    def shipping_amount(self) -> Decimal: ...
    @property
    def tax_amount(self) -> Decimal: ...
    @property
    def total(self) -> Decimal: ...


def tax_included(sums: Sums) -> bool:
    """Whether the tax is part of the other sums, as their total tells; false where there is none.

    So an order knows how it was placed, whatever the shop has set since.
    """
    return sums.tax_amount > 0 and sums.total == sums.subtotal - sums.discount_amount + sums.shipping_amount


if TYPE_CHECKING:
    DecimalField = models.DecimalField[Decimal | int | str, Decimal]
else:
    DecimalField = models.DecimalField


class MoneyField(DecimalField):
    """An amount in the shop's currency. Three decimals, so that dinars fit as well as pounds and dong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 18, "decimal_places": 3, **kwargs})

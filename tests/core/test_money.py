"""Money is whole minor units, half-even."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    LARGEST,
    MoneyField,
    UnknownCurrencyError,
    minor_digits,
    money_string,
    round_money,
    tax_included,
)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("2.345", "GBP", "2.34"), ("2.355", "GBP", "2.36"), ("64999.5", "VND", "65000"), ("1.2345", "KWD", "1.234")],
)
def test_rounds_half_even_to_the_currency(amount: str, currency: str, rounded: str) -> None:
    assert money_string(Decimal(amount), currency) == rounded


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        round_money(Decimal(1), "XQQ")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("48.9", "GBP", "48.90"), ("65000.000", "VND", "65000"), ("0", "JPY", "0"), ("1.5", "KWD", "1.500")],
)
def test_money_is_written_with_its_currencys_digits(amount: str, currency: str, text: str) -> None:
    assert money_string(Decimal(amount), currency) == text


@given(st.decimals(min_value=0, max_value=10**10, places=4), st.sampled_from(["GBP", "VND", "KWD"]))
def test_rounding_moves_no_amount_by_more_than_half_a_unit(amount: Decimal, currency: str) -> None:
    rounded = round_money(amount, currency)
    assert abs(rounded - amount) <= Decimal(1).scaleb(-minor_digits(currency)) / 2
    assert round_money(rounded, currency) == rounded


def test_ten_thousand_of_the_largest_orders_fit_a_column() -> None:
    column = MoneyField()
    assert column.max_digits is not None
    assert Decimal(10) ** (column.max_digits - (column.decimal_places or 0)) > LARGEST * 10_000


@dataclass(frozen=True)
class Parts:
    """The sums of something of 10."""

    tax_amount: Decimal
    total: Decimal
    subtotal: Decimal = Decimal(10)
    discount_amount: Decimal = Decimal(2)
    shipping_amount: Decimal = Decimal(4)


@pytest.mark.parametrize(("tax", "total", "included"), [(2, 12, True), (2, 14, False), (0, 12, False)])
def test_tax_is_included_if_the_total_is_the_sum_without_it(tax: int, total: int, included: bool) -> None:
    assert tax_included(Parts(Decimal(tax), Decimal(total))) is included

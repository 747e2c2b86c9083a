"""Money is whole minor units, half-even."""

from decimal import Decimal

import pytest

from core.money import UnknownCurrencyError, money_string, round_money


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("2.345", "GBP", "2.34"), ("2.355", "GBP", "2.36"), ("64999.5", "VND", "65000"), ("1.2345", "KWD", "1.234")],
)
def test_rounds_half_even_to_the_currency(amount: str, currency: str, rounded: str) -> None:
    assert money_string(Decimal(amount), currency) == rounded


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        round_money(Decimal(1), "XQQ")

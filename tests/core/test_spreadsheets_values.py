from __future__ import annotations

from decimal import Decimal

import pytest

from core.spreadsheets import CellError, amount_of, word_of


@pytest.mark.parametrize(
    ("said", "amount"), [("48.90", "48.90"), (" 0 ", "0"), ("007", "7"), ("99999999999.99", "99999999999.99")]
)
def test_an_amount_is_read_exactly(said: str, amount: str) -> None:
    assert amount_of(said, "GBP") == Decimal(amount)


@pytest.mark.parametrize("said", ["", "free", "-1", "1e3", "48,90", "1,250.00", "1 250", "£5", "١٢", "1.", ".5"])
def test_what_is_no_amount_is_refused(said: str) -> None:
    with pytest.raises(CellError, match=r"must be an amount such as 48\.90"):
        amount_of(said, "GBP")


def test_a_decimal_comma_is_read_where_it_was_said() -> None:
    assert amount_of("48,90", "EUR", decimal_comma=True) == Decimal("48.90")


@pytest.mark.parametrize("said", ["48.90", "1.250,00", "1,250,00"])
def test_with_a_decimal_comma_a_point_is_refused(said: str) -> None:
    with pytest.raises(CellError, match="must be an amount such as 48,90"):
        amount_of(said, "EUR", decimal_comma=True)


def test_an_amount_has_no_more_decimals_than_its_currency() -> None:
    with pytest.raises(CellError, match="VND has no decimals"):
        amount_of("1.5", "VND")


def test_an_amount_that_does_not_fit_is_refused() -> None:
    with pytest.raises(CellError, match="is more than"):
        amount_of("100000000000", "GBP")


def test_a_word_is_read_in_any_case() -> None:
    assert word_of({"paid": 1, "open": 2})(" Paid ") == 1


def test_no_word_is_none() -> None:
    assert word_of({"paid": 1})("  ") is None


def test_another_word_is_refused() -> None:
    with pytest.raises(CellError, match="must be one of paid, open"):
        word_of({"paid": 1, "open": 2})("lost")

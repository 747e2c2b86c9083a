"""What a cell may hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from catalog.transfer.rows import Row, read_row


def read(**cells: str) -> Any:
    """The row, or what is wrong with each column."""
    row = read_row(2, {"sku": "MUG-1", "name": "Mug", "price": "20.00"} | cells)
    return row if isinstance(row, Row) else {refusal.field: refusal.reason for refusal in row}


def test_a_row_has_what_its_cells_say() -> None:
    row = read(
        slug="mug", description=" Two\nlines ", category="Cups", thumbnail="/mug.png", is_active="No", track_stock="1",
        stock=" 12 ",
    )  # fmt: skip
    assert row == Row(
        line=2, sku="MUG-1", name="Mug", price=Decimal("20.00"), slug="mug", description=" Two\nlines ",
        category="Cups", thumbnail="/mug.png", is_active=False, track_stock=True, stock=12,
    )  # fmt: skip


def test_what_is_empty_or_not_there_is_left_alone() -> None:
    assert read(slug="", is_active="", track_stock=" ", stock="") == read()
    assert read().description is None


@pytest.mark.parametrize(
    "price",
    [
        "",
        "free",
        "-1",
        "+1",
        "NaN",
        "Infinity",
        "1e400",
        "1e2",
        "1,50",
        "1 000",
        "£5",
        "0x10",
        "٣",
        "1.",
        ".5",
        "5" * 16,
    ],
)
def test_a_price_is_an_amount(price: str) -> None:
    assert read(price=price) == {"price": "must be an amount such as 48.90"}


@pytest.mark.parametrize(
    ("currency", "price", "refused"),
    [
        ("GBP", "48.9", None),
        ("GBP", "48.901", "GBP has 2 decimals"),
        ("GBP", "48.900", "GBP has 2 decimals"),
        ("VND", "65000", None),
        ("VND", "65000.5", "VND has no decimals"),
        ("KWD", "1.234", None),
        ("KWD", "1.2345", "KWD has 3 decimals"),
        ("GBP", "0", None),
        ("GBP", "100000000000", "is more than 100000000000.00"),
    ],
)
def test_a_price_has_no_more_decimals_than_the_currency(
    settings: LazySettings, currency: str, price: str, refused: str | None
) -> None:
    settings.SHOP_CURRENCY = currency
    row = read(price=price)
    assert row == {"price": refused} if refused else row.price == Decimal(price)


@pytest.mark.parametrize("stock", ["-1", "1.5", "1.0", "many", "1e3", "2147483648", "99999999999999"])
def test_stock_is_a_whole_number(stock: str) -> None:
    assert list(read(stock=stock)) == ["stock"]


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("name", "", "is needed"),
        ("name", "  ", "is needed"),
        ("name", "x" * 10_000, "has more than 200 characters"),
        ("name", "a\nb", "has a line break or another control character"),
        ("name", "a\0b", "has a line break or another control character"),
        ("sku", "", "is needed"),
        ("sku", "x" * 65, "has more than 64 characters"),
        ("slug", "x" * 121, "has more than 120 characters"),
        ("slug", "đèn", "may have letters without accents, digits, hyphens and underscores"),
        ("slug", "a b", "may have letters without accents, digits, hyphens and underscores"),
        ("category", "x" * 101, "has more than 100 characters"),
        ("thumbnail", "x" * 501, "has more than 500 characters"),
        ("description", "x" * 100_001, "has more than 100,000 characters"),
        ("description", "a\0b", "has a null byte"),
        ("is_active", "perhaps", "must be yes or no"),
        ("track_stock", "2", "must be yes or no"),
    ],
)
def test_what_cannot_be_used_is_told(column: str, text: str, reason: str) -> None:
    assert read(**{column: text}) == {column: reason}


def test_everything_that_is_wrong_with_a_line_is_told_at_once() -> None:
    assert list(read(name="", price="free", stock="-1")) == ["name", "price", "stock"]

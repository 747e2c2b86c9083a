"""The columns of a product file: what a cell may hold, and how it is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from catalog.models import Category, Product
from core.money import money_string
from core.spreadsheets import CellError, Refusal, Sheet, amount_of, longest_of, text_of, unescaped

MOST_STOCK = 2_147_483_647
LONGEST_DESCRIPTION = 100_000
COUNT = re.compile(r"[0-9]{1,10}")
YES, NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


@dataclass(frozen=True, slots=True)
class Row:
    """One product as asked for. None leaves what is there, and gives a new product what the model gives it.

    `category` is a slug or a name; empty is none.
    """

    line: int
    sku: str
    name: str
    price: Decimal
    slug: str | None = None
    description: str | None = None
    category: str | None = None
    thumbnail: str | None = None
    is_active: bool | None = None
    track_stock: bool | None = None
    stock: int | None = None


def read_description(text: str) -> str:
    """A text of any number of lines.

    Raises:
        CellError: it is too long, or has a null byte.
    """
    if len(text) > LONGEST_DESCRIPTION:
        raise CellError(f"has more than {LONGEST_DESCRIPTION:,} characters")
    if "\0" in text:
        raise CellError("has a null byte")
    return text


def read_slug(said: str) -> str | None:
    """The product's part of an address.

    Raises:
        CellError: it has other characters than those of a slug.
    """
    slug = text_of(longest=longest_of(Product, "slug"))(said)
    if not slug:
        return None
    try:
        validate_slug(slug)
    except ValidationError:
        raise CellError("may have letters without accents, digits, hyphens and underscores") from None
    return slug


def read_price(said: str) -> Decimal:
    """An amount in the shop's currency.

    Raises:
        CellError: it is none (`amount_of`).
    """
    return amount_of(said, settings.SHOP_CURRENCY)


def read_choice(said: str) -> bool | None:
    """Yes or no.

    Raises:
        CellError: it is neither.
    """
    word = said.strip().lower()
    if word and word not in YES | NO:
        raise CellError("must be yes or no")
    return word in YES if word else None


def read_stock(said: str) -> int | None:
    """Pieces.

    Raises:
        CellError: it is no whole number, below zero or too large.
    """
    text = said.strip()
    if not text:
        return None
    if not COUNT.fullmatch(text) or int(text) > MOST_STOCK:
        raise CellError("must be a whole number such as 12, not below 0")
    return int(text)


READ: dict[str, Callable[[str], Any]] = {
    "sku": text_of(longest=longest_of(Product, "sku"), needed=True),
    "name": text_of(longest=longest_of(Product, "name"), needed=True),
    "slug": read_slug,
    "description": read_description,
    "category": text_of(longest=longest_of(Category, "name")),
    "price": read_price,
    "thumbnail": text_of(longest=longest_of(Product, "thumbnail")),
    "is_active": read_choice,
    "track_stock": read_choice,
    "stock": read_stock,
}
COLUMNS = tuple(READ)
SHEET = Sheet("products", COLUMNS, needed=("sku", "name", "price"))


def read_row(line: int, cells: Mapping[str, str]) -> Row | list[Refusal]:
    """A product, or everything that is wrong with its line."""
    values: dict[str, Any] = {}
    refusals = []
    for column, said in cells.items():
        try:
            values[column] = READ[column](unescaped(said))
        except CellError as error:
            refusals.append(Refusal(line, column, str(error)))
    return refusals or Row(line, **values)


def cell(value: str | bool | int | Decimal) -> str:
    """A value as it is written."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return money_string(value)
    return str(value)


def cells_of(product: Product, category: str) -> dict[str, str]:
    """The cells of a product. `category` is what its category is called in a file."""
    others: dict[str, str | int] = {"category": category, "stock": product.stock_quantity}
    return {column: cell(others[column] if column in others else getattr(product, column)) for column in COLUMNS}

"""What a cell may hold: texts, amounts, words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from django.db.models import Model

from core.money import LARGEST, minor_digits, money_string
from core.spreadsheets.cells import CellError

Word = TypeVar("Word")
AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]+))?")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def text_of(*, longest: int, needed: bool = False) -> Callable[[str], str]:
    """A text of one line.

    Raises (when read):
        CellError: it is longer, has control characters, or is needed and empty.
    """

    def read(said: str) -> str:
        text = said.strip()
        if needed and not text:
            raise CellError("is needed")
        if len(text) > longest:
            raise CellError(f"has more than {longest} characters")
        if CONTROL.search(text):
            raise CellError("has a line break or another control character")
        return text

    return read


def longest_of(model: type[Model], field: str) -> int:
    """Characters that a column of the database holds."""
    length: int = getattr(model._meta.get_field(field), "max_length")  # noqa: B009 - a column of text has one
    return length


def amount_of(said: str, currency: str, *, decimal_comma: bool = False) -> Decimal:
    """An amount of money, not below 0. Thousands are not set apart: `1,250` may be more than a thousand or little more
    than one.

    Raises:
        CellError: it is no such amount, or too large, or has more decimals than the currency.
    """
    mark = "," if decimal_comma else "."
    text = said.strip()
    found = AMOUNT.fullmatch(text.replace(",", ".") if decimal_comma and "." not in text else text)
    if found is None or (decimal_comma and "." in text):
        raise CellError(f"must be an amount such as {money_string(Decimal('48.9'), currency).replace('.', mark)}")
    decimals = minor_digits(currency)
    if len(found[2] or "") > decimals:
        raise CellError(f"{currency} has {decimals or 'no'} decimals")
    amount = Decimal(found[0])
    if amount > LARGEST:
        raise CellError(f"is more than {money_string(LARGEST, currency)}")
    return amount


def word_of(words: Mapping[str, Word]) -> Callable[[str], Word | None]:
    """One of some words, in any case; None for an empty cell.

    Raises (when read):
        CellError: it is none of them.
    """

    def read(said: str) -> Word | None:
        word = said.strip().lower()
        if word and word not in words:
            raise CellError(f"must be one of {', '.join(words)}")
        return words[word] if word else None

    return read

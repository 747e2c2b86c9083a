"""The columns of an order file: what a cell may hold. A line of the file is one line of an order. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from babel import Locale
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core.addresses import COUNTRIES
from core.spreadsheets import CellError, Record, Refusal, Sheet, amount_of, longest_of, text_of, unescaped, word_of
from customers.emails import normal_email
from orders.models import Order, OrderItem
from orders.transfer.dates import USUAL, moment_reader

MOST_PIECES = 1_000_000
PIECES = re.compile(r"(-?)([0-9]{1,7})(?:\.0+)?")
NUMBER = re.compile(r"[^\s\x00-\x1f\x7f]{1,40}")
ID = re.compile(r"[A-Za-z0-9._-]{1,60}")
COUNTRY_CODES = {name.casefold(): code for code, name in Locale("en").territories.items() if code in COUNTRIES}
STATUSES = {
    "paid": Order.Status.SUCCESS,
    "success": Order.Status.SUCCESS,
    "refunded": Order.Status.SUCCESS,
    "partially_refunded": Order.Status.SUCCESS,
    "cancelled": Order.Status.CANCELLED,
    "canceled": Order.Status.CANCELLED,
    "voided": Order.Status.CANCELLED,
    "failed": Order.Status.FAILED,
    "expired": Order.Status.EXPIRED,
}
FULFILMENTS = {
    "pending": Order.Fulfillment.PENDING,
    "unfulfilled": Order.Fulfillment.PENDING,
    "partial": Order.Fulfillment.PROCESSING,
    "processing": Order.Fulfillment.PROCESSING,
    "shipped": Order.Fulfillment.SHIPPED,
    "fulfilled": Order.Fulfillment.DELIVERED,
    "delivered": Order.Fulfillment.DELIVERED,
    "canceled": Order.Fulfillment.CANCELED,
    "cancelled": Order.Fulfillment.CANCELED,
}
Read = Callable[[str], Any]


@dataclass(frozen=True)
class Notation:
    """How a file writes things. `now` is the moment of the import: nothing in it is later."""

    now: datetime
    dates: str = USUAL
    decimal_comma: bool = False


class Line(NamedTuple):
    """A line of an order as the file has it, by column; None where it says nothing. A wrong one has no values."""

    line: int
    number: str | None
    values: Mapping[str, Any]
    is_wrong: bool = False


def read_number(said: str) -> str:
    """The number of an order, in capitals.

    Raises:
        CellError: it is none.
    """
    number = said.strip().upper()
    if not NUMBER.fullmatch(number):
        raise CellError("must be a number or a name of up to 40 characters without spaces")
    return number


def read_pieces(said: str) -> int:
    """Pieces sold, or less than 0 for pieces that came back.

    Raises:
        CellError: it is no whole number, or 0, or too large.
    """
    found = PIECES.fullmatch(said.strip())
    pieces = int(found[1] + found[2]) if found else 0
    if not 0 < abs(pieces) <= MOST_PIECES:
        raise CellError("must be a whole number such as 2, or -2 for pieces that came back")
    return pieces


def read_email(said: str) -> str:
    """An address.

    Raises:
        CellError: it is none.
    """
    address = normal_email(said)
    try:
        validate_email(address)
    except ValidationError:
        raise CellError("must be an e-mail address") from None
    return address


def read_customer(said: str) -> str:
    """What the other shop calls a customer.

    Raises:
        CellError: it is no such name.
    """
    name = said.strip()
    if not ID.fullmatch(name):
        raise CellError("must be a number or a name of letters without accents, digits and ._-")
    return name.lower()


def read_country(said: str) -> str:
    """The two letters of a country, from them or from its English name; what is neither stays as it is."""
    text = text_of(longest=60)(said)
    code = text.upper()
    return code if code in COUNTRIES else COUNTRY_CODES.get(text.casefold(), text)


def read_currency(said: str) -> None:
    """The shop's currency.

    Raises:
        CellError: it is another one.
    """
    if said.strip().upper() != settings.SHOP_CURRENCY:
        raise CellError(f"must be {settings.SHOP_CURRENCY}, the shop's currency")


TEXTS: dict[str, Read] = {
    "email": read_email,
    "customer": read_customer,
    "first_name": text_of(longest=longest_of(Order, "first_name")),
    "last_name": text_of(longest=longest_of(Order, "last_name")),
    "phone": text_of(longest=longest_of(Order, "phone")),
    "line1": text_of(longest=200),
    "line2": text_of(longest=200),
    "city": text_of(longest=100),
    "region": text_of(longest=100),
    "postal_code": text_of(longest=20),
    "country": read_country,
    "shipping_method": text_of(longest=longest_of(Order, "shipping_method")),
    "coupon_code": text_of(longest=longest_of(Order, "coupon_code")),
    "status": word_of(STATUSES),
    "fulfillment": word_of(FULFILMENTS),
    "refund_of": read_number,
}
MOMENTS = ("placed_at", "paid_at", "refunded_at")
AMOUNTS = ("discount", "shipping", "tax", "total", "refunded")
OF_AN_ORDER = (*MOMENTS, *TEXTS, *AMOUNTS)
"""Columns that say the same on each line of an order, or stand on one of them alone."""
OF_A_LINE = ("sku", "name", "quantity", "unit_price")
SHEET = Sheet(
    "orders",
    ("number", *OF_A_LINE, *OF_AN_ORDER, "currency"),
    needed=("number", "placed_at", "quantity", "unit_price"),
    others=True,
)


def remembering(read: Read) -> Read:
    """Reads cells of a spreadsheet. The lines of an order, and of other orders of the customer, say the same."""
    return lru_cache(maxsize=4096)(lambda said: read(unescaped(said)))


class Reader:
    """Reads the lines of a file that is written so."""

    def __init__(self, notation: Notation) -> None:
        def amount(said: str) -> Decimal:
            return amount_of(said, settings.SHOP_CURRENCY, decimal_comma=notation.decimal_comma)

        def signed(said: str) -> Decimal:
            return amount(said.strip().removeprefix("-"))

        moment = moment_reader(notation.dates, now=notation.now)
        readers: dict[str, Read] = {
            "sku": text_of(longest=longest_of(OrderItem, "sku")),
            "name": text_of(longest=longest_of(OrderItem, "name")),
            "quantity": read_pieces,
            "unit_price": amount,
            "currency": read_currency,
            **TEXTS,
            **dict.fromkeys(MOMENTS, moment),
            **dict.fromkeys(AMOUNTS, amount),
            "total": signed,
        }
        self.read = {column: remembering(read) for column, read in readers.items()}

    def line_of(self, record: Record) -> tuple[Line, list[Refusal]]:
        """The line, and everything that is wrong with it."""
        if record.problem:
            return Line(record.line, None, {}, is_wrong=True), [Refusal(record.line, "", record.problem)]
        cells = record.cells
        try:
            number = read_number(unescaped(cells.pop("number")))
        except CellError as error:
            return Line(record.line, None, {}, is_wrong=True), [Refusal(record.line, "number", str(error))]
        values: dict[str, Any] = {}
        refusals = [
            Refusal(record.line, field, "is needed") for field in ("quantity", "unit_price") if not cells[field]
        ]
        for column, said in cells.items():
            if not said:
                continue
            try:
                values[column] = self.read[column](said)
            except CellError as error:
                refusals.append(Refusal(record.line, column, str(error)))
        if values.get("quantity", 0) > 0 and unescaped(cells.get("total", "")).strip().startswith("-"):
            refusals.append(Refusal(record.line, "total", "is below 0, as only that of a refund can be"))
        return Line(record.line, number, {} if refusals else values, is_wrong=bool(refusals)), refusals

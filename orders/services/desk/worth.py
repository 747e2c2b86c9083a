"""What pieces of an order are worth when they come back: their share of what was paid for goods. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import ZERO, round_money

Pieces = Mapping[int, int]
"""Of each line, by its id."""


@dataclass(frozen=True)
class Line:
    """A line as it was sold."""

    id: int
    quantity: int
    total: Decimal


@dataclass(frozen=True)
class Sale:
    """What an order's goods came to. `rates` are the percents of the taxes that were added on top of its prices."""

    lines: Sequence[Line]
    subtotal: Decimal
    discount: Decimal
    rates: Sequence[Decimal]
    currency: str


def worth_of(sale: Sale, pieces: Pieces, *, before: Pieces) -> Decimal:
    """What these are worth after those `before` went back: so that all together come to what was paid, to the penny."""
    both = {line.id: pieces.get(line.id, 0) + before.get(line.id, 0) for line in sale.lines}
    return paid_for(sale, both) - paid_for(sale, before)


def paid_for(sale: Sale, pieces: Pieces) -> Decimal:
    """What was paid for so many pieces: their price, less their share of the discount, with the tax on it."""
    priced = sum((line.total * pieces.get(line.id, 0) / line.quantity for line in sale.lines), ZERO)
    if not sale.subtotal:
        return ZERO
    net = priced * (sale.subtotal - sale.discount) / sale.subtotal
    taxes = (round_money(net * rate / 100, sale.currency) for rate in sale.rates)
    return sum(taxes, round_money(net, sale.currency))

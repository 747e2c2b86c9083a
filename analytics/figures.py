"""Numbers as people read them, and how they changed."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.money import money_text


class Kind(StrEnum):
    """How a number is written and compared."""

    COUNT = "count"
    MONEY = "money"
    RATE = "rate"


Number = Decimal | int


def written(value: Number, kind: Kind) -> str:
    """`9,504`, `£48.90` or `2.50 %`."""
    if kind is Kind.MONEY:
        return money_text(Decimal(value))
    return f"{value:,.2f} %" if kind is Kind.RATE else f"{value:,}"


@dataclass(frozen=True)
class Change:
    """A number against the one of the comparison window: sign, arrow and word, so that colour says nothing alone."""

    text: str
    arrow: str
    word: str
    tone: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.arrow, self.text, self.word) if part)


SAME = Change("", "=", "no change", "neutral")
NEW = Change("", "▲", "new", "up")


def change(now: Number, before: Number, kind: Kind) -> Change:
    """Rates change in percentage points, the rest in percent. From nothing to something is new, never 100 %."""
    if now == before:
        return SAME
    if not before:
        return NEW
    difference = Decimal(now) - Decimal(before)
    if kind is Kind.RATE:
        amount, unit = round(difference, 2), "pp"
    else:
        amount, unit = round(100 * difference / Decimal(before), 1), "%"
    if not amount:
        return SAME
    arrow, word = ("▲", "up") if amount > 0 else ("▼", "down")
    return Change(f"{amount:+,} {unit}".replace("-", "−"), arrow, word, word)


def share(part: Number, whole: Number) -> str:
    """A part in percent of the whole, with one decimal; a dash of nothing."""
    return f"{Decimal(100) * part / whole:.1f} %" if whole else "–"

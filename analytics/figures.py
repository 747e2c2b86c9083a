"""Numbers as people read them, and how they changed."""

from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_compact_decimal

from analytics.metrics import Kind, Number
from core.money import money_short, money_string, money_text


def written(value: Number, kind: Kind) -> str:
    """`9,504`, `£48.90`, `2.50 %`, `93 s` or `4.21`."""
    match kind:
        case Kind.MONEY:
            return money_text(Decimal(value))
        case Kind.RATE:
            return f"{value:,.2f} %"
        case Kind.SECONDS:
            return f"{value:,.0f} s"
        case Kind.MEAN:
            return f"{value:,.2f}"
    return f"{value:,}"


def plain(value: Number | None, kind: Kind) -> Number | str | None:
    """As files have it: money in the currency's own digits."""
    return money_string(Decimal(value)) if kind is Kind.MONEY and value is not None else value


SHORTENED_FROM = 100_000


def short(value: Number, kind: Kind) -> str:
    """The same in few characters: `£11,638` without pennies from a thousand on, `£1.24M` from a hundred thousand on."""
    if kind is Kind.MONEY:
        return money_short(Decimal(value))
    if kind is Kind.COUNT and abs(int(value)) >= SHORTENED_FROM:
        return str(format_compact_decimal(value, locale="en", fraction_digits=2))
    return written(value, kind)


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
NEW_BELOW = Change("", "▼", "new", "down")


def change(now: Number, before: Number, kind: Kind) -> Change:
    """Rates change in percentage points, the rest in percent. From nothing to something is new, never 100 %."""
    if now == before:
        return SAME
    if not before:
        return NEW if now > 0 else NEW_BELOW
    difference = Decimal(now) - Decimal(before)
    if kind is Kind.RATE:
        amount, unit = round(difference, 2), "pp"
    else:
        amount, unit = round(100 * difference / abs(Decimal(before)), 1), "%"
    if not amount:
        return SAME
    arrow, word = ("▲", "up") if amount > 0 else ("▼", "down")
    return Change(f"{amount:+,} {unit}".replace("-", "−"), arrow, word, word)


def share(part: Number, whole: Number) -> str:
    """A part in percent of the whole, with one decimal; a dash of nothing."""
    return f"{Decimal(100) * part / whole:.1f} %" if whole else "–"

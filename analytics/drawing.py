"""Lines as coordinates: 1,000 wide and 100 high, from the upper left corner. Whatever draws them stretches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10

WIDTH, HEIGHT = 1000, 100
TICKS = 4
Value = Decimal | int | None


@dataclass(frozen=True)
class Scale:
    """From 0, or the smallest value where that lies below, to a round number that is not smaller than any."""

    lowest: float
    step: float
    steps: int

    @property
    def highest(self) -> float:
        """The uppermost tick."""
        return self.lowest + self.step * self.steps

    @property
    def ticks(self) -> list[float]:
        """The numbers at the lines, from below."""
        return [self.lowest + self.step * number for number in range(self.steps + 1)]

    def height(self, value: float) -> float:
        """Where a value lies, from above."""
        return round(HEIGHT - HEIGHT * (value - self.lowest) / (self.highest - self.lowest), 2)


def scale(values: Sequence[Value], *, whole: bool) -> Scale:
    """The scale on which all these values fit. `whole` is for counts: between 0 and 1 there is nothing."""
    known = [float(value) for value in values if value is not None]
    most, least = max(known, default=0), min(0, *known) if known else 0
    step = round_step((most - least) / TICKS, least_step=1 if whole else 0.01)
    below = -floor(least / step)
    above = max(-floor(-most / step), 1)
    return Scale(-below * step, step, int(below + above))


def round_step(size: float, *, least_step: float) -> float:
    """1, 2, 5 or 10 times a power of ten, not smaller than the size."""
    if size <= least_step:
        return least_step
    power = 10.0 ** floor(log10(size))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= size * 0.9999)


def across(number: int, count: int) -> float:
    """Where the point of that number lies among so many: the first at the left end, the last at the right one."""
    return round(WIDTH * number / (count - 1), 2) if count > 1 else WIDTH / 2


def path(values: Sequence[Value], on: Scale, *, first: int = 0, last: int | None = None) -> str:
    """The line through the values from one number to another, for SVG; it ends where nothing is known."""
    end = len(values) - 1 if last is None else last
    spots = [
        f"{across(number, len(values)):g} {on.height(float(value)):g}"
        for number, value in enumerate(values)
        if first <= number <= end and value is not None
    ]
    return "M" + "L".join(spots) if spots else ""

"""What is usual at an hour of the week, told from the weeks before. Numbers in, numbers out: nothing here reads.

Counts scatter by chance (Poisson), and more where the shop itself goes up and down by some share. Everything is told by
medians, so that a day of a campaign or of an outage does not become usual. Why: docs/decisions/0019-what-is-usual.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import asinh, ceil, floor, sinh, sqrt
from statistics import median

FEWEST_WEEKS = 4
"""An hour of the week that was seen less often has no usual number."""
RECENT_DAYS = 7
FURTHEST = 2.0
"""So many times more or less than weeks ago counts as growth at most; beyond it something happened."""
SMALL = 0.375
"""What makes square roots of small counts scatter like those of large ones."""
MAD_TO_SIGMA = 1.4826
MEDIAN_COSTS = 1.57
"""A median of n counts scatters like a mean of n / 1.57."""


@dataclass(frozen=True)
class Hour:
    """What an hour of the past brought. `slot` is its place in the week of the shop's clock, 0 to 167."""

    slot: int
    day: date
    visits: int = 0
    converted: int = 0
    orders: int = 0


Counted = Callable[[Hour], int]


@dataclass(frozen=True)
class Usual:
    """The number to expect; its variance over that of a Poisson count (1 or more); and over a known one that of a
    number told from few (1 or more).
    """

    level: float
    dispersion: float = 1.0
    unsure: float = 1.0

    def deviation(self, count: float) -> float:
        """How far a count is from it: standard deviations, below 0 for too few."""
        return (self.evened(count) - self.evened(self.level)) / sqrt(self.unsure)

    def bounds(self, deviations: float) -> tuple[int, int]:
        """The least and the most that lie within so many standard deviations."""
        middle, step = self.evened(self.level), deviations * sqrt(self.unsure)
        return max(0, ceil(self.count_at(middle - step))), max(0, floor(self.count_at(middle + step)))

    def evened(self, count: float) -> float:
        """A count on a scale on which it scatters by 1 whatever its size: square roots (Anscombe) of chance alone, more
        and more a logarithm where the shop goes up and down by a share.
        """
        root = sqrt(count + SMALL)
        return 2 * asinh(self.swing * root) / self.swing if self.swing else 2 * root

    def count_at(self, evened: float) -> float:
        """The count that `evened` takes there."""
        root = max(0.0, sinh(self.swing * evened / 2) / self.swing if self.swing else evened / 2)
        return root**2 - SMALL

    @property
    def swing(self) -> float:
        """The share by which the shop itself goes up and down: 0.2 is 20 percent."""
        return sqrt((self.dispersion - 1) / max(1.0, self.level))


def slot_levels(hours: Iterable[Hour], of: Counted) -> dict[int, float]:
    """The median of each hour of the week that was seen often enough."""
    seen: dict[int, list[int]] = defaultdict(list)
    for hour in hours:
        seen[hour.slot].append(of(hour))
    return {slot: float(median(counts)) for slot, counts in seen.items() if len(counts) >= FEWEST_WEEKS}


def growth(hours: Sequence[Hour], levels: dict[int, float], of: Counted) -> float:
    """What the last days brought over what was usual in the weeks before: the median of their shares."""
    days: dict[date, list[Hour]] = defaultdict(list)
    for hour in hours:
        days[hour.day].append(hour)
    shares = []
    for day in sorted(days)[-RECENT_DAYS:]:
        expected = sum(levels.get(hour.slot, 0) for hour in days[day])
        if expected:
            shares.append(sum(of(hour) for hour in days[day]) / expected)
    return min(FURTHEST, max(1 / FURTHEST, median(shares))) if shares else 1.0


def dispersion(pairs: Iterable[tuple[float, float]], *, weeks: int) -> float:
    """How much more counts scatter than by chance alone, from pairs of a count and the median of its kind."""
    found = [abs(count - level) / sqrt(max(1.0, level)) for count, level in pairs]
    if not found:
        return 1.0
    fitted = weeks / max(1, weeks - 1)
    return max(1.0, (MAD_TO_SIGMA * median(found)) ** 2 * fitted)


def usual(hours: Sequence[Hour], slot: int, of: Counted) -> Usual | None:
    """What is usual at this hour of the week; None where too few weeks are known.

    The scatter is that of all hours of the week that bring half to twice as much: eight numbers alone say too little.
    """
    levels = slot_levels(hours, of)
    if slot not in levels:
        return None
    level, weeks = levels[slot], sum(hour.slot == slot for hour in hours)
    alike = {each: other for each, other in levels.items() if level / 2 <= other <= level * 2}
    scatter = dispersion(((of(hour), alike[hour.slot]) for hour in hours if hour.slot in alike), weeks=weeks)
    return Usual(level * growth(hours, levels, of), scatter, unsure=1 + MEDIAN_COSTS / weeks)

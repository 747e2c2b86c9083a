"""Orders of visits, and the time between orders: what is usual of them. Numbers in, numbers out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean

from analytics.alerts.rules import Conversion, Silence
from analytics.alerts.usual import FEWEST_WEEKS, Hour, Usual, dispersion, growth, slot_levels

LENGTHS = (3, 6, 12, 24)
"""Hours over which conversion is told: the fewest of these in which enough orders usually come."""
ENOUGH = 12
"""Orders."""


@dataclass(frozen=True)
class Stretch:
    """A part of an hour of the week. `share` is 1 for a whole one."""

    slot: int
    share: float


def conversion_of(past: Sequence[Hour], recent: Sequence[Hour], whens: Sequence[str]) -> Conversion | None:
    """How many of the visits of the last hours were paid, over as many hours as it takes; None where it is not known
    what is usual. `whens` says of each hour from when to when those from it on are.
    """
    if not slot_levels(past, visits):
        return None
    found = None
    for length in LENGTHS:
        found = conversion_over(past, recent[-length:], whens[-length:][0])
        if found is None or found.usual.level >= ENOUGH:
            break
    return found


def conversion_over(past: Sequence[Hour], recent: Sequence[Hour], when: str) -> Conversion | None:
    """The same over these hours; None where nobody bought at such hours, or nobody came now."""
    slots = {hour.slot for hour in recent}
    alike = [hour for hour in past if hour.slot in slots]
    came, bought = sum(map(visits, alike)), sum(map(converted, alike))
    now = sum(map(visits, recent))
    if not bought or not now:
        return None
    expected = now * bought / came
    expectation = Usual(expected, scatter_of_days(past, converted, visits), unsure=1 + expected / bought)
    return Conversion(now, sum(map(converted, recent)), expectation, when)


def scatter_of_days(past: Sequence[Hour], of: Callable[[Hour], float], by: Callable[[Hour], float]) -> float:
    """How much more a number scatters from day to day than by chance, where it should go with another."""
    days: dict[date, list[Hour]] = defaultdict(list)
    for hour in past:
        days[hour.day].append(hour)
    whole = sum(map(by, past))
    share = sum(map(of, past)) / whole if whole else 0
    pairs = [(sum(map(of, hours)), share * sum(map(by, hours))) for hours in days.values()]
    return dispersion(pairs, weeks=len(pairs))


def silence_of(past: Sequence[Hour], stretches: Sequence[Stretch], *, lasts: timedelta, since: str) -> Silence | None:
    """How many orders usually come in a time without any; None where too few weeks are known."""
    rates = order_rates(past)
    if not rates:
        return None
    trend = min(1.0, growth(past, rates, orders))
    expected = trend * sum(rates.get(stretch.slot, 0) * stretch.share for stretch in stretches)
    known = [hour for hour in past if hour.slot in rates]
    scatter = scatter_of_days(known, orders, lambda hour: rates[hour.slot])
    return Silence(lasts, since, expected, scatter, a_day=sum(rates.values()) / 7)


def order_rates(past: Sequence[Hour]) -> dict[int, float]:
    """Orders of each hour of the week that was seen often enough. The mean: most hours of a small shop have none."""
    seen: dict[int, list[int]] = defaultdict(list)
    for hour in past:
        seen[hour.slot].append(hour.orders)
    return {slot: fmean(counts) for slot, counts in seen.items() if len(counts) >= FEWEST_WEEKS}


def visits(hour: Hour) -> int:
    """Its visits."""
    return hour.visits


def converted(hour: Hour) -> int:
    """Those of them that were paid."""
    return hour.converted


def orders(hour: Hour) -> int:
    """Orders paid in it."""
    return hour.orders

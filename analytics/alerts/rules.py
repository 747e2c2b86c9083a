"""When something is unusual. Numbers in, verdicts out: nothing here reads or writes.

Each rule is set so that a shop in which nothing happens hears of it less than once in some months:
docs/decisions/0019-what-is-usual.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import exp, lgamma, log, log1p

from analytics.alerts.usual import Usual

OUT = 4.0
"""Standard deviations from the usual number at which it is unusual."""
BACK = 2.5
"""Those within which it is usual again, and what people are told to be usual. Apart, so that an alert does not flap."""
LEAST_DIFFERENCE = 0.25
"""Of the usual number. A large shop scatters little by chance; nobody gets up for five percent."""
GAP = 0.001
"""The chance of a gap between orders that is unusual."""
GAPS_A_DAY = 0.01
"""The same of a whole day: a shop of many orders has as many gaps."""
SHORTEST_GAP = timedelta(minutes=30)
REFUSED = 0.0002
"""The chance of so many failed payments that is unusual."""
FEWEST_REFUSED = 5
"""Orders. Fewer say nothing of the shop."""
FEWEST_USUAL = 20
"""Orders to tell from how many payments usually fail."""


@dataclass(frozen=True)
class Verdict:
    """Whether something is unusual, and the figures in a sentence."""

    is_out: bool
    sentence: str


@dataclass(frozen=True)
class Traffic:
    """Visits of one hour. `when` as in `from 13:00 to 14:00`, `weekday` as in `Tuesdays`."""

    visits: int
    usual: Usual
    when: str
    weekday: str

    @property
    def sentence(self) -> str:
        """What was, and what is usual."""
        least, most = self.usual.bounds(BACK)
        return (
            f"{counted(self.visits, 'visit')} {self.when}; usually {least:,} to {most:,} on {self.weekday} at that hour"
        )


def few_visits(seen: Traffic, *, is_open: bool) -> Verdict:
    """Whether fewer came than usual. An alert that is open stays until the number is well back."""
    return Verdict(too_few(seen.visits, seen.usual, is_open=is_open), seen.sentence)


def many_visits(seen: Traffic, *, is_open: bool) -> Verdict:
    """Whether more came than usual."""
    level = seen.usual.level
    far = seen.usual.deviation(seen.visits) > (BACK if is_open else OUT)
    return Verdict(far and seen.visits > level * (1 + LEAST_DIFFERENCE), seen.sentence)


def too_few(count: int, usual: Usual, *, is_open: bool) -> bool:
    """Whether a count is far below the usual one, by chance and by share."""
    far = usual.deviation(count) < -(BACK if is_open else OUT)
    return far and count < usual.level * (1 - LEAST_DIFFERENCE)


@dataclass(frozen=True)
class Conversion:
    """Visits of some hours and how many of them were paid; `usual` is how many would be of as many visits."""

    visits: int
    converted: int
    usual: Usual
    when: str


def low_conversion(seen: Conversion, *, is_open: bool) -> Verdict:
    """Whether fewer visits were paid than usual."""
    usually = percent(seen.usual.level, seen.visits)
    sentence = (
        f"{percent(seen.converted, seen.visits)} of {counted(seen.visits, 'visit')} {seen.when} were paid "
        f"({seen.converted:,}); usually {usually} at those hours ({seen.usual.level:,.0f})"
    )
    return Verdict(too_few(seen.converted, seen.usual, is_open=is_open), sentence)


@dataclass(frozen=True)
class Silence:
    """The time since the last paid order; how many usually come in it, and in a day. `since` as in `since 09:12`."""

    lasts: timedelta
    since: str
    expected: float
    dispersion: float
    a_day: float


def no_orders(seen: Silence) -> Verdict:
    """Whether the shop has sold nothing for longer than chance explains."""
    chance = exp(-seen.expected / seen.dispersion)
    unusual = chance < min(GAP, GAPS_A_DAY / max(1.0, seen.a_day)) and seen.lasts >= SHORTEST_GAP
    usually = f"usually {seen.expected:,.0f} come in that time"
    return Verdict(unusual, f"No paid order for {lasting(seen.lasts)}, {seen.since}; {usually}")


@dataclass(frozen=True)
class Payments:
    """Orders that somebody tried to pay, and those of which no attempt succeeded: lately, and in the weeks before."""

    tried: int
    failed: int
    usually_tried: int
    usually_failed: int
    when: str


def payments_failing(seen: Payments) -> Verdict:
    """Whether more payments fail than usual. Told by orders: one shopper with a bad card may try three times."""
    share = (seen.usually_failed + 1) / (seen.usually_tried + 2)
    enough = seen.failed >= FEWEST_REFUSED and seen.usually_tried >= FEWEST_USUAL
    far = seen.failed > seen.tried * min(2 * share, (1 + share) / 2)  # twice as many, or half of those that succeed
    unusual = enough and far and at_least(seen.failed, seen.tried, share) < REFUSED
    usually = percent(seen.usually_failed, seen.usually_tried)
    return Verdict(
        unusual,
        f"{seen.failed:,} of {seen.tried:,} orders whose payment was tried {seen.when} were refused "
        f"({percent(seen.failed, seen.tried)}); usually {usually} are",
    )


def at_least(count: int, of: int, share: float) -> float:
    """The chance that so many or more of `of` happen, each with this chance (the binomial tail)."""
    return min(1.0, sum(exp(log_binomial(k, of, share)) for k in range(count, of + 1)))


def log_binomial(count: int, of: int, share: float) -> float:
    """The logarithm of the chance that exactly so many happen. `share` is more than 0 and less than 1."""
    ways = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    return ways + count * log(share) + (of - count) * log1p(-share)


def counted(number: int, one: str) -> str:
    """`1 visit`, `1,023 visits`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def percent(part: float, whole: float) -> str:
    """`2.5 %`; 0 of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def lasting(time: timedelta) -> str:
    """`45 min`, `5 h 10 min`, `2 d 3 h`."""
    minutes = int(time.total_seconds()) // 60
    hours, minutes = divmod(minutes, 60)
    days, of_day = divmod(hours, 24)
    if days:
        return f"{days} d {of_day} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

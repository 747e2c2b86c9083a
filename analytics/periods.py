"""Stretches of time that are compared: equally long, weekdays matched, the last day cut at the same hour."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.clock import day_bounds, now, shop_day, shop_instant, shop_zone, shown

YEAR = 52 * 7
"""Days: a year, with weekdays matched."""
EARLIEST = date(1990, 1, 1)
"""No day before it is asked for: of the first ones that a calendar has there is nothing to compare them with."""


class Compare(StrEnum):
    """With what a window is compared: one as long before it, or nothing."""

    WEEKDAYS = "weekdays"
    PREVIOUS = "previous"
    YEAR = "year"
    NONE = "none"


@dataclass(frozen=True)
class Window:
    """From the first instant of a day until an instant of another (or the same), the last; usually not a whole one."""

    first: date
    last: date
    until: datetime

    @property
    def start(self) -> datetime:
        """First instant."""
        return day_bounds(self.first)[0]

    @property
    def last_start(self) -> datetime:
        """First instant of the day in which it ends."""
        return day_bounds(self.last)[0]

    @property
    def days(self) -> list[date]:
        """Its days, the last one included."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def shifted(self, days: int) -> "Window":
        """The same window that many days earlier, until the same hour by the shop's clock.

        Of an hour that the clock jumps over, until the jump; of one that comes twice, the first.
        """
        shift = timedelta(days=days)
        first, last = self.first - shift, self.last - shift
        return Window(first, last, last_instant(last) if self.is_whole else shop_instant(shown(self.until) - shift))

    @property
    def is_whole(self) -> bool:
        """Whether its last day is a whole one."""
        return self.until == last_instant(self.last)

    def __str__(self) -> str:
        until = self.until.astimezone(shop_zone())
        time = "" if self.is_whole else f"{until:%H:%M}"
        if self.first == self.last:
            return f"{day_text(self.last)} until {time}" if time else day_text(self.last)
        return f"{day_text(self.first)} – {day_text(self.last)} {time}".rstrip()


def day_text(day: date) -> str:
    """A day as people write it; the year only where it is not this one."""
    return f"{day:%a %-d %b}" if day.year == shop_day(now()).year else f"{day:%a %-d %b %Y}"


def last_instant(day: date) -> datetime:
    """The last microsecond of a day."""
    return day_bounds(day)[1] - timedelta(microseconds=1)


def window(days: int, until: datetime) -> Window:
    """The `days` days that end then, the last one as far as it has come."""
    last = shop_day(until)
    return Window(last - timedelta(days=days - 1), last, until)


def previous(current: Window) -> Window:
    """The window before it: as long, weekdays matched, so a whole number of weeks earlier."""
    weeks = -(-len(current.days) // 7)
    return current.shifted(7 * weeks)


def compared(current: Window, compare: Compare) -> Window | None:
    """The window that it is compared with: with weekdays matched, right before it, a year earlier; None with none."""
    match compare:
        case Compare.WEEKDAYS:
            return previous(current)
        case Compare.PREVIOUS:
            return current.shifted(len(current.days))
        case Compare.YEAR:
            return current.shifted(YEAR)
    return None

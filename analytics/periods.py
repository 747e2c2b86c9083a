"""Stretches of time that are compared: equally long, weekdays matched, the last day cut at the same hour."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.clock import day_bounds, now, shop_day, shop_zone

PERIODS = (1, 7, 28, 90)
"""Lengths in days that can be asked for."""
USUAL = 28


@dataclass(frozen=True)
class Window:
    """From the first instant of a day until an instant of another (or the same)."""

    first: date
    until: datetime

    @property
    def start(self) -> datetime:
        """First instant."""
        return day_bounds(self.first)[0]

    @property
    def last(self) -> date:
        """The day in which it ends; usually not a whole one."""
        return shop_day(self.until)

    @property
    def last_start(self) -> datetime:
        """First instant of that day."""
        return day_bounds(self.last)[0]

    @property
    def days(self) -> list[date]:
        """Its days, the last one included."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def shifted(self, days: int) -> "Window":
        """The same window that many days earlier, until the same hour by the shop's clock."""
        local = self.until.astimezone(shop_zone())
        return Window(self.first - timedelta(days=days), local - timedelta(days=days))

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
    return day_bounds(day)[1].astimezone(UTC) - timedelta(microseconds=1)


def window(days: int, until: datetime) -> Window:
    """The `days` days that end then, the last one as far as it has come."""
    return Window(shop_day(until) - timedelta(days=days - 1), until)


def previous(current: Window) -> Window:
    """The window before it: as long, weekdays matched, so a whole number of weeks earlier."""
    weeks = -(-len(current.days) // 7)
    return current.shifted(7 * weeks)

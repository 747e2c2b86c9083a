"""Stretches of time that are compared: equally long, weekdays matched, the last day cut at the same hour."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import day_bounds, shop_day, shop_zone

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

    def __str__(self) -> str:
        until = self.until.astimezone(shop_zone())
        if self.first == self.last:
            return f"{until:%a %-d %b} until {until:%H:%M}"
        return f"{self.first:%a %-d %b} – {until:%a %-d %b} {until:%H:%M}"


def window(days: int, now: datetime) -> Window:
    """The last `days` days, today so far included."""
    return Window(shop_day(now) - timedelta(days=days - 1), now)


def previous(current: Window) -> Window:
    """The window before it: as long, weekdays matched, so a whole number of weeks earlier."""
    weeks = -(-len(current.days) // 7)
    return current.shifted(7 * weeks)

"""Weeks as ISO 8601 has them: from Monday to Sunday, by the shop's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analytics.periods import EARLIEST, Window, last_instant
from core.clock import shop_day

WEEK = timedelta(days=7)


class WeekError(ValueError):
    """There is no such week, or it is not over."""


@dataclass(frozen=True)
class Week:
    """A week, by its first day. As text `2026-W48`."""

    monday: date

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    @property
    def number(self) -> int:
        """From 1 to 53."""
        return self.monday.isocalendar().week

    @property
    def window(self) -> Window:
        """All of it: 168 hours, or one less or more when the clock changes."""
        return Window(self.monday, self.sunday, last_instant(self.sunday))

    def __str__(self) -> str:
        return f"{self.monday:%G-W%V}"


def week_before(now: datetime) -> Week:
    """The last week that is over."""
    today = shop_day(now)
    return Week(today - timedelta(days=today.weekday()) - WEEK)


def week_of(text: str) -> Week:
    """The week that is written `2026-W48`.

    Raises:
        WeekError: there is no such week.
    """
    try:
        return Week(date.fromisoformat(f"{text}-1"))
    except ValueError as error:
        raise WeekError(f"{text} is no week: write 2026-W48.") from error


def finished_week(text: str, *, now: datetime) -> Week:
    """The same, of which a report can be made.

    Raises:
        WeekError: there is no such week, or it is not over.
    """
    week, last = week_of(text), week_before(now)
    if not EARLIEST <= week.monday <= last.monday:
        raise WeekError(f"{text} is not over, or long before any shop. The last one is {last}.")
    return week

"""Moments as other shops write them. Nothing is guessed: how days are written is said by whoever imports. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone

from core.clock import day_bounds, shop_zone
from core.spreadsheets import CellError

EARLIEST = 1990
LATEST_OF_20 = 69
"""Of years with two digits this and those below are of this century."""
SECOND, HALF = r"(?::(?P<second>\d\d)(?:\.\d+)?)?", r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
CLOCK = rf"(?:(?:[T ]|, ?)(?P<hour>\d\d?):(?P<minute>\d\d){SECOND}{HALF})?"
OFFSET = r"(?: ?(?P<offset>Z|[+-]\d\d:?\d\d))?"
YEAR, MONTH, DAY = r"(?P<year>\d{4}|\d\d)", r"(?P<month>\d\d?)", r"(?P<day>\d\d?)"
MARK = r"[/.\-]"
WRITTEN = {
    "year-month-day": (MARK.join((r"(?P<year>\d{4})", MONTH, DAY)), "2026-03-28 14:30"),
    "day/month/year": (MARK.join((DAY, MONTH, YEAR)), "28/03/2026 14:30"),
    "month/day/year": (MARK.join((MONTH, DAY, YEAR)), "03/28/2026 14:30"),
}
"""How days may be written, each with an example."""
USUAL = "year-month-day"


def moment_reader(written: str, *, now: datetime) -> Callable[[str], datetime | None]:
    """Reads moments that are written so, in the shop's time zone where they have no offset; a day alone is its first
    instant. Of a time that the clock shows twice the first is meant. None for an empty cell.

    Raises (when read):
        CellError: it is none, the clock never shows it, or it lies before 1990 or after `now`.
    """
    pattern, example = WRITTEN[written]
    compiled = re.compile(pattern + CLOCK + OFFSET, re.ASCII)

    def read(said: str) -> datetime | None:
        text = said.strip()
        if not text:
            return None
        found = compiled.fullmatch(text)
        if found is None:
            raise CellError(f"must be a time such as {example}, or a day")
        moment = instant(found.groupdict(default=""))
        if moment.year < EARLIEST or moment > now:
            raise CellError(f"lies before {EARLIEST}" if moment.year < EARLIEST else "lies in the future")
        return moment

    return read


def instant(parts: dict[str, str]) -> datetime:
    """The instant of a time that was taken apart.

    Raises:
        CellError: there is none.
    """
    try:
        day = date(year_of(parts["year"]), int(parts["month"]), int(parts["day"]))
        if not parts["hour"]:
            return day_bounds(day)[0].astimezone(UTC)
        clock = time(hour_of(parts), int(parts["minute"]), int(parts["second"] or 0))
        zone = zone_of(parts["offset"])
    except ValueError as error:
        raise CellError(f"is no time: {error}") from None
    if zone is not None:
        return datetime.combine(day, clock, zone).astimezone(UTC)
    moment = datetime.combine(day, clock, shop_zone()).astimezone(UTC)
    if moment.astimezone(shop_zone()).replace(tzinfo=None) != datetime.combine(day, clock):
        raise CellError(f"is no time in {shop_zone()}: the clock was put forward over it")
    return moment


def year_of(digits: str) -> int:
    """A year of two or four digits."""
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year <= LATEST_OF_20 else 1900)


def hour_of(parts: dict[str, str]) -> int:
    """The hour of a day, of 12 or of 24.

    Raises:
        ValueError: there is none.
    """
    hour = int(parts["hour"])
    if not parts["half"]:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("hour must be in 1..12")
    return hour % 12 + (12 if parts["half"] in "Pp" else 0)


def zone_of(offset: str) -> timezone | None:
    """The zone of an offset such as `+0100`; None without one.

    Raises:
        ValueError: none is so far.
    """
    if not offset:
        return None
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if offset[0] == "-" else distance)

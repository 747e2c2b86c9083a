"""A stretch of time that the address of a list asks for, to the second: what a figure counts, its list shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.contrib.admin.options import IncorrectLookupParameters
from django.utils.dateparse import parse_date, parse_datetime

from core.clock import day_bounds, shop_day, shop_instant, shop_zone

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """From an instant on, and before another; None where it has no end."""

    start: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """Both ends in the shop's time; whole days by their names."""
        if self.start and self.until:
            first, last = day_or_time(self.start), day_or_time(self.until, is_end=True)
            return first if first == last else f"{first} – {last}"
        return f"from {day_or_time(self.start)}" if self.start else f"until {day_or_time(self.until, is_end=True)}"

    def __bool__(self) -> bool:
        return bool(self.start or self.until)


def span_in(query: Mapping[str, str], begins: str, ends: str) -> Span:
    """What an address asks for by two names: instants, ISO 8601, or days of the shop, of which the last is in it.

    Raises:
        IncorrectLookupParameters: one of them is neither.
    """
    return Span(bound(query.get(begins, "")), bound(query.get(ends, ""), is_end=True))


def bound(text: str, *, is_end: bool = False) -> datetime | None:
    """One end; None where nothing is asked for. An instant without a zone is the shop's.

    Raises:
        IncorrectLookupParameters: it is neither a day nor an instant.
    """
    if not text:
        return None
    try:
        if day := parse_date(text):
            return day_bounds(day)[is_end]
        if instant := parse_datetime(text):
            return instant.astimezone(UTC) if instant.tzinfo else shop_instant(instant)
    except (ValueError, OverflowError) as error:
        raise IncorrectLookupParameters(error) from error
    raise IncorrectLookupParameters(text)


def written(span: Span, begins: str, ends: str) -> dict[str, str]:
    """What `span_in` reads the span from."""
    ends_of = {begins: span.start, ends: span.until}
    return {name: instant_text(instant) for name, instant in ends_of.items() if instant}


def instant_text(instant: datetime) -> str:
    """ISO 8601 in UTC, with `Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day_or_time(instant: datetime | None, *, is_end: bool = False) -> str:
    """The day that begins then, or ends; if that is no first instant of one, day and time."""
    if instant is None:
        return ""
    day = shop_day(instant - MOMENT if is_end else instant)
    if day_bounds(day)[is_end] == instant:
        return f"{day:%d %b %Y}"
    local = instant.astimezone(shop_zone())
    return f"{local:%d %b %Y %H:%M}" if local.time() == time(local.hour, local.minute) else f"{local:%d %b %Y %H:%M:%S}"

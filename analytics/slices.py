"""A window cut into the points of a chart, and what they make together: of all visits, or of filtered ones.

What all visits brought is known from stored rows but for what is not over. Of filtered visits nothing is stored: they
are counted from raw rows, by the same statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from analytics import selectors
from analytics.hours import PARTS
from analytics.metrics import Metric, Number, Totals, added, from_columns, from_hour
from analytics.periods import Window, last_instant
from analytics.statements import among, by_hour, rows, span_parameters, statement
from core.clock import day_bounds, hours_of_day
from sessions_app.dimensions import COLUMNS, EVENTS, Dimension, Filters

NOBODY: Filters = {}


@dataclass(frozen=True)
class Point:
    """A day, or an hour of the only day. None of it is known before it has begun. `visitors` are distinct within it,
    and only there where they were asked for.
    """

    begins: datetime
    totals: Totals | None
    visitors: int | None = None

    def value(self, metric: Metric) -> Number | None:
        """The metric here."""
        if self.totals is None:
            return None
        return metric.of_totals(self.totals) if metric.of_totals else self.visitors


@dataclass(frozen=True)
class Slice:
    """`totals` and `visitors` are of the window, which may end within its last point; points are whole as far as known.

    `end` is the first instant that is not known: that of the present, or the end of the last day.
    """

    window: Window
    points: list[Point]
    totals: Totals
    visitors: int
    end: datetime

    def value(self, metric: Metric) -> Number:
        """The metric over the window."""
        return metric.of_totals(self.totals) if metric.of_totals else self.visitors


def slice_of(
    window: Window, filters: Filters, *, stored: selectors.Rows, known_until: datetime, with_visitors: bool
) -> Slice:
    """The window by day, or by hour where it has only one; nothing is known after `known_until`. `stored` has the rows
    of its days, which filtered visits do not need; `with_visitors` asks for those of each point too.
    """
    end = min(day_bounds(window.last)[1], known_until)
    begins = hours_of_day(window.last) if window.first == window.last else [day_bounds(day)[0] for day in window.days]
    if filters:
        found, totals = counted_points(window, begins, end, filters)
        visitors = distinct(begins, window.start, window.until, filters)[None]
    else:
        found, totals = stored_points(window, stored, begins, end)
        visitors = selectors.unique_visitors_of(window, stored)
    if with_visitors and any(point.totals and point.visitors is None for point in found):
        found = with_distinct(found, begins, end, filters)
    return Slice(window, found, totals, visitors, end)


def stored_points(
    window: Window, stored: selectors.Rows, begins: list[datetime], end: datetime
) -> tuple[list[Point], Totals]:
    """Of all visits: stored rows for what is settled. New visitors are not told of what is counted."""
    last = last_day(window, stored)
    totals = selectors.window_totals(window, stored, last)
    if window.first == window.last:
        return hours_so_far(window, begins, end), totals
    rows_of_days = [stored.get(day) for day in window.days]
    found = [
        Point(at, from_columns(vars(row)), row.unique_visits) if row else Point(at, Totals(), 0)
        for at, row in zip(begins, rows_of_days, strict=True)
    ]
    is_cut = end < last_instant(window.last)
    return [*found[:-1], Point(begins[-1], last)] if is_cut else found, totals


def last_day(window: Window, stored: selectors.Rows) -> Totals:
    """What the last day brought until the window's end. Today is counted; who is new on it nobody asks here, and that
    takes half of the time.
    """
    row = stored.get(window.last)
    if row and row.is_settled:
        return selectors.slice_totals(window, row)
    return counted_between([window.last_start], window.until, NOBODY)[0]


def hours_so_far(window: Window, begins: list[datetime], end: datetime) -> list[Point]:
    """The hours of a day: as stored if it is over, else counted."""
    if end == day_bounds(window.last)[1] and (stored := selectors.stored_hours(window.last)):
        return [Point(hour.hour, from_hour(vars(hour))) for hour in stored]
    return to_come(begins, counted_between([at for at in begins if at < end], end, NOBODY))


def counted_points(
    window: Window, begins: list[datetime], end: datetime, filters: Filters
) -> tuple[list[Point], Totals]:
    """Of filtered visits. Where the window ends within a point, that one is counted in two parts."""
    cut = [window.until] if window.until < last_instant(window.last) and window.until < end else []
    parts = sorted({*(at for at in begins if at < end), *cut})
    found = dict(zip(parts, counted_between(parts, end, filters), strict=True))
    totals = added(part for at, part in found.items() if at < window.until)
    if cut and cut[0] not in begins:
        whole = max(at for at in begins if at < cut[0])
        found[whole] = added([found[whole], found.pop(cut[0])])
    return to_come(begins, [found[at] for at in begins if at in found]), totals


def to_come(begins: list[datetime], known: Sequence[Totals]) -> list[Point]:
    """A point for each begin; the last ones have not begun."""
    return [
        Point(at, totals) for at, totals in zip(begins, [*known, *[None] * (len(begins) - len(known))], strict=True)
    ]


def counted_between(begins: list[datetime], end: datetime, filters: Filters) -> list[Totals]:
    """What happened from each of these instants until the next, and from the last until the end. Counted apart from
    visits: neither new visitors nor, under a filter, customers.
    """
    if not begins:
        return []
    whose, of_filters = among(filters, start=begins[0], end=end)
    parts = [part for part in PARTS if part not in ("visitors", *(["events"] if filters else []))]
    parameters = span_parameters(begins[0], end, begins) | {"all_counted": False} | of_filters
    found = by_hour(*parts, parameters=parameters, given=("window", "ordered"), whose=whose)
    return [from_hour({"new_users": 0, "cart_additions": 0, "checkouts_started": 0} | row) for row in found]


def with_distinct(found: list[Point], begins: list[datetime], end: datetime, filters: Filters) -> list[Point]:
    """The points with their distinct visitors, counted from the first one on of which they are not known."""
    first = next(number for number, point in enumerate(found) if point.visitors is None)
    counts = distinct(begins[first:], begins[first], end, filters)
    counted = [
        Point(point.begins, point.totals, counts.get(number, 0) if point.totals else None)
        for number, point in enumerate(found[first:], start=1)
    ]
    return [*found[:first], *counted]


def distinct(begins: list[datetime], start: datetime, end: datetime, filters: Filters) -> dict[int | None, int]:
    """Distinct visitors by the number of the point, and of all of them by None."""
    whose, of_filters = among(filters, start=start, end=end)
    sql = statement("distinct_visitors").format(among=whose.among)
    found = rows(sql, span_parameters(start, end, begins) | of_filters)
    return {None: 0} | {row["bucket"]: row["visitors"] for row in found}


def values_of(window: Window, dimension: Dimension, filters: Filters) -> list[selectors.Value]:
    """All values of a dimension among filtered visits, those with most visits first."""
    whose, of_filters = among(filters, start=window.start, end=window.until)
    parameters: dict[str, Any] = span_parameters(window.start, window.until, []) | of_filters
    if dimension in COLUMNS:
        sql = statement("values_among").format(column=COLUMNS[dimension], among=whose.among)
    else:
        kind, column = EVENTS[dimension]
        parameters["event"] = kind
        sql = statement("views_among").format(column=column, among=whose.among, of_order=whose.of_order)
    found = [selectors.Value(**row) for row in rows(sql, parameters)]
    return sorted(found, key=lambda each: (-each.visits, -each.revenue, each.value))


def hours_of_week(window: Window, filters: Filters) -> list[dict[str, Any]]:
    """The hours of the week (`selectors.hours_of_week`), of filtered visits."""
    if not filters:
        return selectors.hours_of_week(window)
    whose, of_filters = among(filters, start=window.start, end=window.until)
    sql = statement("hours_among").format(among=whose.among, of_order=whose.of_order)
    parameters = span_parameters(window.start, window.until, []) | {"zone": settings.SHOP_TIME_ZONE}
    return rows(sql, parameters | of_filters)

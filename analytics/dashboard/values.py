"""The tables of the dashboard: channels, products, countries and the like, with what each value brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from babel import Locale
from django.http import HttpRequest

from analytics import selectors, slices, stats
from analytics.attribution import Model
from analytics.dashboard.asked import ROWS, TABLES
from analytics.dashboard.beside import Question
from analytics.dashboard.links import value_behind
from analytics.dashboard.reading import Reading
from analytics.figures import share, short, written
from analytics.metrics import Kind
from analytics.selectors import Value
from core.money import money_string
from sessions_app.dimensions import EVENTS, OTHER, TOUCHED, Dimension

IN_A_FILE = 1_000
NO_VISIT = "(no visit)"
DELETED = "(deleted)"
TITLES = {
    Dimension.CHANNEL: "Channels",
    Dimension.SOURCE: "Sources",
    Dimension.MEDIUM: "Media",
    Dimension.CAMPAIGN: "Campaigns",
    Dimension.REFERRER: "Referrers",
    Dimension.LANDING_PAGE: "Landing pages",
    Dimension.PRODUCT: "Products",
    Dimension.PAGE: "Pages",
    Dimension.COUNTRY: "Countries",
    Dimension.CITY: "Cities",
    Dimension.DEVICE: "Devices",
    Dimension.BROWSER: "Browsers",
    Dimension.OS: "Systems",
}
COUNTED = {name: "Views" if name in EVENTS else "Visits" for name in Dimension}
"""What is counted of a value: the visits that have it, or how often it was looked at."""
CREDITS = {Model.SESSION: "The visit that ordered", Model.FIRST: "First touch", Model.LAST: "Last touch"}
NAMED = (Dimension.COUNTRY, Dimension.PRODUCT)
"""Whose values are called by other names than what they are."""
COUNTRIES: dict[str, str] = {**Locale("en").territories}
NO_RECORDS = (OTHER, NO_VISIT, DELETED, stats.NO_SESSION)
"""Values that no visit has."""


@dataclass(frozen=True)
class Row:
    """A line of a table. `link` narrows the page to it, `records` opens its visits; empty where there are none."""

    name: str
    visits: str
    visits_exact: str
    orders: str
    revenue: str
    revenue_exact: str
    conversion: str
    bar: int
    link: str
    records: str

    @property
    def is_short(self) -> bool:
        """Whether a number of it is not told exactly."""
        return (self.visits, self.revenue) != (self.visits_exact, self.revenue_exact)


def values_table(reading: Reading, request: HttpRequest, name: str) -> dict[str, Any]:
    """The largest values of the dimension that a table shows, and what else it could show."""
    asked, dimension = reading.asked, reading.asked.tables[name]
    found = values_of(reading, name)
    most = max((value.visits for value in found), default=0) or 1
    names = names_of(dimension, found)
    lines = [row(reading, request, dimension, value, names, most) for value in found]
    return {
        "dimension": dimension,
        "title": TITLES[dimension],
        "counted": COUNTED[dimension],
        "has_orders": dimension is not Dimension.PAGE,
        "rows": lines,
        "shortened": [line for line in lines if line.is_short],
        "choices": [
            {"title": TITLES[each], "link": asked.link(tables={**asked.tables, name: each}), "on": each == dimension}
            for each in TABLES[name]
        ],
        "more": other_rows(reading, len(found)),
        "credits": credits(reading, dimension),
    }


def row(
    reading: Reading, request: HttpRequest, dimension: Dimension, value: Value, names: dict[str, str], most: int
) -> Row:
    """A line of the table."""
    is_known = value.value not in NO_RECORDS
    filters = reading.asked.filters
    return Row(
        name=names.get(value.value, value.value),
        visits=short(value.visits, Kind.COUNT),
        visits_exact=written(value.visits, Kind.COUNT),
        orders=written(value.orders, Kind.COUNT),
        revenue=short(value.revenue, Kind.MONEY),
        revenue_exact=written(value.revenue, Kind.MONEY),
        conversion=share(value.orders, value.visits),
        bar=100 * value.visits // most,
        link=reading.asked.of(dimension, value.value) if is_known and dimension not in filters else "",
        records=value_behind(request, reading.window, filters, dimension, value.value) if is_known else "",
    )


def other_rows(reading: Reading, found: int) -> list[dict[str, str]]:
    """Links to tables with more rows or fewer; none where all are shown."""
    asked = reading.asked
    if found < reading.rows and asked.rows == ROWS[0]:
        return []
    return [{"rows": rows, "link": asked.link(rows=rows)} for rows in ROWS if rows != asked.rows]


def credits(reading: Reading, dimension: Dimension) -> list[dict[str, Any]]:
    """To whom orders are credited, where there is a choice: touches are of the whole shop, and know some dimensions."""
    asked = reading.asked
    if dimension not in TOUCHED or asked.filters:
        return []
    return [
        {"title": title, "link": asked.link(credit=model), "on": model == asked.credit}
        for model, title in CREDITS.items()
    ]


def values_of(reading: Reading, name: str, *, in_a_file: bool = False) -> list[Value]:
    """The values with most visits, and of how visits came a line for orders that no visit placed."""
    asked, dimension = reading.asked, reading.asked.tables[name]
    found = reading.answer(question(reading, name, in_a_file=in_a_file)).get(dimension, [])
    with_orders_of_no_visit = dimension in TOUCHED and asked.credit is Model.SESSION and not asked.filters
    return [*found, *without_visit(reading)] if with_orders_of_no_visit else found


def question(reading: Reading, name: str, *, in_a_file: bool = False) -> Question[dict[str, list[Value]]]:
    """What the values of a table are read by. Those of all visits are read for all tables at once."""
    asked, dimension = reading.asked, reading.asked.tables[name]
    limit = IN_A_FILE if in_a_file else reading.rows
    if asked.filters:
        return name, lambda: {dimension: slices.values_of(reading.window, dimension, asked.filters)[:limit]}
    if asked.credit is not Model.SESSION and dimension in TOUCHED:
        return name, lambda: {dimension: credited(reading, dimension, limit)}
    dimensions = [dimension] if in_a_file else list(asked.tables.values())
    return "values", lambda: selectors.top_values(reading.window, dimensions, limit)


def credited(reading: Reading, dimension: Dimension, limit: int) -> list[Value]:
    """By the touches that are frozen on orders; these lines add up to the sales of the window."""
    found = stats.breakdown(reading.window, dimension, model=reading.asked.credit, limit=limit)
    return [Value(each["value"], each["visits"], each["orders"], each["revenue"]) for each in found]


def without_visit(reading: Reading) -> list[Value]:
    """Orders by phone and imported ones; nothing where there are none."""
    totals = reading.current.totals
    return (
        [Value(NO_VISIT, 0, totals.sessionless_orders, totals.sessionless_sales)] if totals.sessionless_orders else []
    )


def names_of(dimension: Dimension, found: Iterable[Value]) -> dict[str, str]:
    """What values are called, where that is not what they are."""
    if dimension is Dimension.COUNTRY:
        return {**COUNTRIES, "(none)": "Not known"}
    if dimension is Dimension.PRODUCT:
        read = {value.value: value.name for value in found if value.name is not None}
        unread = [value.value for value in found if value.value not in read]
        return {value: name for value, name in read.items() if name} | selectors.product_names(unread)
    return {}


def columns_of_values(reading: Reading, name: str) -> tuple[str, ...]:
    """Of the dimension that a table shows."""
    dimension = reading.asked.tables[name]
    return (str(dimension), *(("name",) if dimension in NAMED else ()), "visits", "orders", "revenue", "conversion")


def lines_of_values(reading: Reading, name: str) -> Iterable[dict[str, Any]]:
    """A line a value, 1,000 at most."""
    dimension = reading.asked.tables[name]
    found = values_of(reading, name, in_a_file=True)
    names = names_of(dimension, found)
    for value in found:
        yield {
            str(dimension): value.value,
            "name": names.get(value.value, value.value),
            "visits": value.visits,
            "orders": value.orders,
            "revenue": money_string(value.revenue),
            "conversion": round(value.conversion, 2),
        }

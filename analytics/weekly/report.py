"""What stands in the report: all of it from the functions that the dashboard has its numbers from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from analytics import selectors
from analytics.cards import SHOWN, Card, card, pair
from analytics.chart import Chart, chart
from analytics.dashboard import state
from analytics.goals import goal_of_days
from analytics.metrics import Totals
from analytics.models import DailyBreakdown
from analytics.panels import PANELS, Step, funnel, goal, outcomes, value_row
from analytics.periods import Window, previous
from analytics.weekly.weeks import Week
from core.clock import shop_zone

Dimension = DailyBreakdown.Dimension
TABLES = (Dimension.CHANNEL, Dimension.CAMPAIGN, Dimension.PRODUCT)
ROWS = 5
"""Rows of a table."""
LONGEST = 40
"""Characters of a value that visitors choose."""
INSIDE_OF_LINKS = re.compile(r"(?<=[.:/@])(?=\S)")
"""Where a space without width ends what looks like an address."""
PICTURED = ("visits", "sales")


@dataclass(frozen=True)
class Report:
    """A week against the one before it. `state` is `full`, `quiet` or, in a shop that has seen nothing yet, `new`."""

    week: Week
    current: Window
    before: Window
    zone: str
    state: str
    cards: list[Card]
    goal: dict[str, Any] | None
    best_day: str
    charts: dict[str, Chart]
    funnel: list[Step]
    sessionless_orders: int
    outcomes: dict[str, Any]
    tables: list[dict[str, Any]]
    link: str


def report_of(week: Week) -> Report:
    """The numbers of a week that is over."""
    current, before = week.window, previous(week.window)
    stored = selectors.daily_rows(before.first, current.last)
    last_day = selectors.slice_totals(current, stored.get(current.last))
    earlier = selectors.slice_totals(before, stored.get(before.last))
    totals = selectors.window_totals(current, stored, last_day), selectors.window_totals(before, stored, earlier)
    charts = {key: chart(SHOWN[key], current, before, stored, last_day) for key in PICTURED}
    return Report(
        week=week,
        current=current,
        before=before,
        zone=str(shop_zone()),
        state=state(totals[0], stored),
        cards=cards_of(week, totals),
        goal=goal(goal_of_days(current.days), totals[0].total_sales),
        best_day=best_day(charts),
        charts=charts,
        funnel=funnel(totals[0]),
        sessionless_orders=totals[0].sessionless_orders,
        outcomes=outcomes(selectors.order_outcomes(current)),
        tables=tables_of(current),
        link=link_to(week),
    )


def cards_of(week: Week, totals: tuple[Totals, Totals]) -> list[Card]:
    """The headline numbers; each links to itself in the dashboard's chart."""
    unique = selectors.unique_visitors(week.window, previous(week.window))
    return [
        card(metric, *pair(metric, totals, unique), link=link_to(week, plot=key), plotted=False)
        for key, metric in SHOWN.items()
    ]


def best_day(charts: Mapping[str, Chart]) -> str:
    """The day that sold most, or without sales the one with most visits, in a sentence; none of a week with neither."""
    days = list(zip(charts["sales"].points, charts["visits"].points, strict=True))
    sales, visits = max(days, key=lambda day: (day[0].value, day[1].value))
    seen = f"{visits.text} visit{'' if visits.value == 1 else 's'}"
    if sales.value:
        return f"The best day was {sales.day:%A %-d %B}: {sales.text} of sales, {seen}."
    return f"No sales; most visits were on {visits.day:%A %-d %B}: {seen}." if visits.value else ""


def tables_of(window: Window) -> list[dict[str, Any]]:
    """Channels, campaigns and products, each with its largest values."""
    found = selectors.top_values(window, list(TABLES), ROWS)
    return [
        {"title": PANELS[name][0], "counted": PANELS[name][1], "rows": [line(row, name) for row in found[name]]}
        for name in TABLES
    ]


def line(entry: selectors.Value, dimension: Dimension) -> dict[str, Any]:
    """One line of a table."""
    row = value_row(entry, dimension)
    return row | {"value": one_line(row["value"])}


def one_line(value: str) -> str:
    """A value that visitors choose, so that it stays in its line of a text: no control characters, not too long.

    Neither does it turn the direction of the text around it, nor do mail programs make a link of it: strangers could
    send staff theirs, in a mail of the shop.
    """
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in value)
    short = " ".join(plain.split())
    return INSIDE_OF_LINKS.sub("\u200b", short if len(short) <= LONGEST else f"{short[: LONGEST - 1]}…")


def link_to(week: Week, plot: str = "sales") -> str:
    """The dashboard of a week."""
    query = urlencode({"period": "custom", "from": str(week.monday), "to": str(week.sunday), "plot": plot})
    return f"{settings.PUBLIC_URL}{reverse('admin:index')}?{query}"

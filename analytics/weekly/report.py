"""What stands in the report: all of it from the functions that the dashboard has its numbers from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from analytics import selectors
from analytics.cards import SHOWN, Card, card
from analytics.chart import Chart, chart
from analytics.dashboard.values import COUNTED, TITLES, names_of
from analytics.figures import share, written
from analytics.metrics import Kind, Totals
from analytics.panels import Step, funnel, goal, outcomes
from analytics.periods import Window, previous
from analytics.slices import NOBODY, slice_of
from analytics.weekly.weeks import Week
from core.clock import shop_zone
from orders.admin.links import placed_orders_link
from sessions_app.dimensions import Dimension

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
    """A week against the one before it; each card with the link that plots it.

    `state` is `full`, `quiet` or, in a shop that has seen nothing yet, `new`. `waiting` is the number of days of both
    weeks whose figures are missing or old: the job that computes them is late.
    """

    week: Week
    current: Window
    before: Window
    zone: str
    state: str
    waiting: int
    cards: list[tuple[Card, str]]
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
    windows = week.window, previous(week.window)
    stored = selectors.rows_of(windows)
    current, before = (
        slice_of(each, NOBODY, stored=stored, known_until=week.window.until, with_visitors=False) for each in windows
    )
    charts = {key: chart(SHOWN[key], current, before) for key in PICTURED}
    return Report(
        week=week,
        current=current.window,
        before=before.window,
        zone=str(shop_zone()),
        state=state(current.totals),
        waiting=len(selectors.waiting_days(windows, stored, before=week.sunday + timedelta(days=1))),
        cards=[
            (card(metric, current.value(metric), before.value(metric)), link_to(week, plot=name))
            for name, metric in SHOWN.items()
        ],
        goal=goal(current.window.days, stored),
        best_day=best_day(charts),
        charts=charts,
        funnel=funnel(current.totals),
        sessionless_orders=current.totals.sessionless_orders,
        outcomes=outcomes_of(current.window),
        tables=tables_of(current.window),
        link=link_to(week),
    )


def state(totals: Totals) -> str:
    """`full`; `quiet` when nothing happened in the week; `new` in a shop that has seen nothing at all."""
    if totals.total_visits or totals.total_orders:
        return "full"
    return "quiet" if selectors.has_history() else "new"


def outcomes_of(window: Window) -> dict[str, Any]:
    """Orders placed in the week by what became of them, with the lists of them."""
    found = selectors.order_outcomes(window)
    links = {each.status: placed_orders_link(NOBODY, window.start, window.until, each.status) for each in found}
    return outcomes(found, links)


def best_day(charts: Mapping[str, Chart]) -> str:
    """The day that sold most, or without sales the one with most visits, in a sentence; none of a week with neither."""
    days = list(zip(charts["sales"].spots, charts["visits"].spots, strict=True))
    sales, visits = max(days, key=lambda day: (day[0].value or 0, day[1].value or 0))
    day = f"{sales.begins.astimezone(shop_zone()):%A %-d %B}"
    seen = f"{visits.text} visit{'' if visits.value == 1 else 's'}"
    if sales.value:
        return f"The best day was {day}: {sales.text} of sales, {seen}."
    return f"No sales; most visits were on {day}: {seen}." if visits.value else ""


def tables_of(window: Window) -> list[dict[str, Any]]:
    """Channels, campaigns and products, each with its largest values."""
    found = selectors.top_values(window, list(TABLES), ROWS)
    names = {name: names_of(name, found.get(name, [])) for name in TABLES}
    return [
        {
            "title": TITLES[name],
            "counted": COUNTED[name],
            "rows": [line(value, names[name].get(value.value, value.value)) for value in found.get(name, [])],
        }
        for name in TABLES
    ]


def line(value: selectors.Value, name: str) -> dict[str, str]:
    """One line of a table."""
    return {
        "value": one_line(name),
        "visits": written(value.visits, Kind.COUNT),
        "orders": written(value.orders, Kind.COUNT),
        "revenue": written(value.revenue, Kind.MONEY),
        "conversion": share(value.orders, value.visits),
    }


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

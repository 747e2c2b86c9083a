"""The tiles of the dashboard: what each shows, and the same as lines of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import strip_spaces_between_tags

from analytics import selectors
from analytics.attention import attention_items
from analytics.cards import HEADLINES, PLOTTED, TOLD, card
from analytics.chart import chart
from analytics.dashboard import selling
from analytics.dashboard.about import COUPONS, CUSTOMERS, GOAL, MONEY, OUTCOMES, STEPS, VALUES, WEEK, Told
from analytics.dashboard.beside import Question
from analytics.dashboard.links import orders_behind, placed_behind, visits_behind
from analytics.dashboard.reading import Reading
from analytics.dashboard.values import columns_of_values, lines_of_values, question, values_table
from analytics.dashboard.week import hours, lines_of_week, week
from analytics.figures import plain
from analytics.metrics import steps
from analytics.notes import notes_on
from analytics.panels import funnel, goal, outcomes
from core.money import money_string
from sessions_app.dimensions import Step

Context = dict[str, Any]
Line = dict[str, Any]
Columns = tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """A part of the page that is read, kept and exported by itself. `template` is in `templates/analytics/tiles/`."""

    name: str
    title: str
    template: str
    context: Callable[[Reading, HttpRequest], Context]
    lines: Callable[[Reading], Iterable[Line]] | None = None
    columns: Callable[[Reading], Columns] = lambda reading: ()
    """Of the file: the same ones whatever is in it."""
    about: Callable[[Reading], Told] = lambda reading: ()
    slow: Callable[[Reading], list[Question[Any]]] = lambda reading: []
    """What of it PostgreSQL takes long for, and can be asked before the tile's turn."""

    @property
    def is_table(self) -> bool:
        """Whether it can be had as a file."""
        return self.lines is not None

    def drawn(self, reading: Reading, request: HttpRequest) -> str:
        """The tile as HTML, without the spaces by which its template is easier to read: a table has many."""
        known = {"tile": self, "asked": reading.asked, "reading": reading}
        html = render_to_string(f"analytics/tiles/{self.template}.html", known | self.context(reading, request))
        return strip_spaces_between_tags(html)


def attention(reading: Reading, request: HttpRequest) -> Context:
    """What needs somebody, now: whatever period is looked at."""
    return {"items": attention_items(request)}


def cards(reading: Reading, request: HttpRequest) -> Context:
    """The headline numbers, each with its way into the chart and to the records."""
    asked, window = reading.asked, reading.window
    behind = {"orders": orders_behind(request, window, asked.filters)}
    behind |= {"visits": visits_behind(request, window, asked.filters), "sales": behind["orders"]}
    behind |= {"unique": behind["visits"], "aov": behind["orders"]}
    behind["conversion"] = visits_behind(request, window, asked.filters, Step.PAID)
    return {
        "cards": [
            {
                "name": name,
                "headline": headline,
                "card": card(headline.metric, *numbers(reading, name)),
                "link": asked.link(plot=name),
                "records": behind.get(name, ""),
                "is_plotted": name == asked.plot,
            }
            for name, headline in HEADLINES.items()
        ],
        "goal": None if asked.filters else goal(window.days, reading.stored),
        "may_set_goals": request.user.has_perm("analytics.add_salesgoal"),
        "is_quiet": not (reading.current.totals.total_visits or reading.current.totals.total_orders),
    }


def numbers(reading: Reading, name: str) -> tuple[Any, Any]:
    """A headline number, and the one that it is compared with; None without."""
    metric = HEADLINES[name].metric
    return reading.current.value(metric), reading.before.value(metric) if reading.before else None


def lines_of_cards(reading: Reading) -> Iterable[Line]:
    """A line a number."""
    for name, headline in HEADLINES.items():
        now, before = numbers(reading, name)
        metric = headline.metric
        numbers_of_it = {"value": plain(now, metric.kind), "before": plain(before, metric.kind)}
        yield {"metric": metric.name, **numbers_of_it, "definition": metric.definition}


def plot(reading: Reading, request: HttpRequest) -> Context:
    """The metric over time."""
    drawn = chart(reading.plotted, reading.current, reading.before)
    return {
        "chart": drawn,
        "metric": reading.plotted,
        "plots": [
            {"title": metric.title, "link": reading.asked.link(plot=name), "on": name == reading.asked.plot}
            for name, metric in PLOTTED.items()
        ],
        "notes": notes_on(drawn, reading.annotations),
        "may_change_notes": request.user.has_perm("analytics.change_annotation"),
    }


def lines_of_plot(reading: Reading) -> Iterable[Line]:
    """A line a point."""
    kind = reading.plotted.kind
    for spot in chart(reading.plotted, reading.current, reading.before).spots:
        compared = {"compared_with": spot.before_label, "value_before": plain(spot.before, kind)}
        shown = {"begins": spot.begins.isoformat(), "value": plain(spot.value, kind), "is_over": not spot.is_cut}
        yield shown | compared


def about_plot(reading: Reading) -> Told:
    """How the metric is counted."""
    headline = TOLD[reading.asked.plot]
    return (
        (headline.metric.title, headline.metric.definition),
        ("Formula", headline.formula),
        ("Source", headline.source),
    )


def columns_of_plot(reading: Reading) -> Columns:
    """Its columns."""
    return ("begins", "value", "is_over", *(("compared_with", "value_before") if reading.window_before else ()))


def funnel_steps(reading: Reading, request: HttpRequest) -> Context:
    """How far visits came, each step with its visits."""
    asked, totals = reading.asked, reading.current.totals
    behind = [visits_behind(request, reading.window, asked.filters, step) for step in Step]
    found = list(zip(funnel(totals), behind, strict=True))
    return {"steps": found, "all": totals.total_visits or 1, "sessionless_orders": totals.sessionless_orders}


def lines_of_funnel(reading: Reading) -> Iterable[Line]:
    """A line a step."""
    return [{"step": str(step), "visits": count} for step, count, _ in steps(reading.current.totals)]


def order_outcomes(reading: Reading, request: HttpRequest) -> Context:
    """Orders placed, by what became of them."""
    found = selectors.order_outcomes(reading.window, reading.asked.filters)
    filters, window = reading.asked.filters, reading.window
    links = {each.status: placed_behind(request, window, filters, each.status) for each in found}
    return {"outcomes": outcomes(found, links)}


def lines_of_outcomes(reading: Reading) -> Iterable[Line]:
    """A line a state."""
    found = selectors.order_outcomes(reading.window, reading.asked.filters)
    return [{"status": each.status, "orders": each.orders, "total": money_string(each.total)} for each in found]


def compared_with(reading: Reading) -> list[Question[Any]]:
    """What the window before brought: of all visits it is stored, filtered ones must be counted."""
    return [reading.question_before] if reading.asked.filters else []


def values(name: str) -> Callable[[Reading, HttpRequest], Context]:
    """A table of values, of the dimension that is chosen for it."""
    return lambda reading, request: values_table(reading, request, name)


def values_questions(name: str) -> Callable[[Reading], list[Question[Any]]]:
    """How they are read."""
    return lambda reading: [question(reading, name)]


def values_columns(name: str) -> Callable[[Reading], Columns]:
    """What is said of each."""
    return lambda reading: columns_of_values(reading, name)


def told(about: Told) -> Callable[[Reading], Told]:
    """Always the same."""
    return lambda reading: about


def these(*names: str) -> Callable[[Reading], Columns]:
    """Always these columns."""
    return lambda reading: names


def values_lines(name: str) -> Callable[[Reading], Iterable[Line]]:
    """All its values."""
    return lambda reading: lines_of_values(reading, name)


IN_CARDS = these("metric", "value", "before", "definition")
IN_FUNNEL = these("step", "visits")
IN_OUTCOMES = these("status", "orders", "total")
IN_MONEY = these("part", "amount")
IN_CUSTOMERS = these("customers_are", "orders", "customers", "sales")
IN_COUPONS = these("code", "orders", "sales", "discounts")
IN_WEEK = these("weekday", "hour", "hours", "visits", "orders", "sales")
TILES = {
    tile.name: tile
    for tile in (
        Tile("attention", "Needs attention", "attention", attention),
        Tile("cards", "Figures", "cards", cards, lines_of_cards, IN_CARDS, told(GOAL), compared_with),
        Tile("chart", "Over time", "chart", plot, lines_of_plot, columns_of_plot, about_plot),
        Tile("funnel", "Funnel", "funnel", funnel_steps, lines_of_funnel, IN_FUNNEL, told(STEPS)),
        Tile("outcomes", "Order outcomes", "outcomes", order_outcomes, lines_of_outcomes, IN_OUTCOMES, told(OUTCOMES)),
        *(
            Tile(
                name,
                title,
                "values",
                values(name),
                values_lines(name),
                values_columns(name),
                told(VALUES),
                values_questions(name),
            )
            for name, title in {"came": "Came by", "saw": "Looked at", "who": "Who and with what"}.items()
        ),
        Tile("money", "Sales, taken apart", "money", selling.money, selling.lines_of_money, IN_MONEY, told(MONEY)),
        Tile(
            "customers",
            "Customers",
            "customers",
            selling.customers,
            selling.lines_of_customers,
            IN_CUSTOMERS,
            told(CUSTOMERS),
            lambda reading: [selling.paid(reading, "customers_paid")],
        ),
        Tile(
            "coupons",
            "Coupons",
            "coupons",
            selling.coupons,
            selling.lines_of_coupons,
            IN_COUPONS,
            told(COUPONS),
            lambda reading: [selling.paid(reading, "coupons_paid")],
        ),
        Tile(
            "week",
            "Hours of the week",
            "week",
            week,
            lines_of_week,
            IN_WEEK,
            told(WEEK),
            lambda reading: [hours(reading)],
        ),
    )
}

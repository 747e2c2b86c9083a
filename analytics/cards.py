"""The headline numbers of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.figures import Change, change, short, written
from analytics.metrics import METRICS, Metric, Number


@dataclass(frozen=True)
class Headline:
    """A metric of which the page makes much: how it is worked out, and from what."""

    metric: Metric
    formula: str
    source: str


VISITS = "Visits, by when they began. Crawlers are left out."
MONEY = "Gross: with tax and shipping, after discounts, before refunds."
HEADLINES = {
    "visits": Headline(METRICS["total_visits"], "The number of visits begun.", VISITS),
    "unique": Headline(METRICS["unique_visits"], "The number of different visitors of those visits.", VISITS),
    "conversion": Headline(METRICS["conversion_rate"], "100 × visits whose order was paid / visits.", VISITS),
    "orders": Headline(METRICS["total_orders"], "The number of orders paid.", "Orders, by when the money came."),
    "sales": Headline(METRICS["total_sales"], "The sum of their totals.", f"Orders, by when the money came. {MONEY}"),
    "aov": Headline(METRICS["average_order_value"], "Sales / orders paid.", f"Orders, by when the money came. {MONEY}"),
}
"""By what the page's address calls them."""
SHOWN = {name: headline.metric for name, headline in HEADLINES.items()}
PLACED = "Orders, by when they were placed."
OTHERS = {
    "net_sales": (
        "Sales − refunds.",
        "Orders, by when the money came; refunds, by when they were made. With tax and shipping, after discounts.",
    ),
    "refunds": ("The sum of the refunds made.", "Refunds, by when they were made. With tax and shipping."),
    "total_page_views": ("The number of pages seen.", VISITS),
    "avg_page_views_per_session": ("Page views / visits.", VISITS),
    "avg_session_duration": ("Seconds from the first to the last sign of each visit / visits.", VISITS),
    "bounce_rate": ("100 × visits that were not engaged / visits.", VISITS),
    "cart_rate": ("100 × visits that reached the cart / visits.", VISITS),
    "checkout_rate": ("100 × visits that reached checkout / visits that reached the cart.", VISITS),
    "purchase_rate": ("100 × visits whose order was paid / visits that reached checkout.", VISITS),
    "placed_orders": ("The number of orders placed.", PLACED),
    "payment_success_rate": ("100 × orders paid / orders placed.", PLACED),
}
"""Formulas and sources of others that the chart can show."""
TOLD = HEADLINES | {name: Headline(METRICS[name], *told) for name, told in OTHERS.items()}
PLOTTED = {name: headline.metric for name, headline in TOLD.items()}
"""What the chart can show: all of it is known by the hour, and of filtered visits too."""
USUAL = "visits"


@dataclass(frozen=True)
class Card:
    """A headline number, short and exact, with its change. Compared with nothing, `before` is empty."""

    metric: Metric
    value: str
    exact: str
    before: str
    change: Change | None


def card(metric: Metric, now: Number, before: Number | None) -> Card:
    """The card of a metric whose numbers are known."""
    exact = written(now, metric.kind)
    if before is None:
        return Card(metric, short(now, metric.kind), exact, "", None)
    return Card(metric, short(now, metric.kind), exact, written(before, metric.kind), change(now, before, metric.kind))

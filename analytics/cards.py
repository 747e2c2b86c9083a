"""The headline numbers of the dashboard."""

from dataclasses import dataclass

from analytics.figures import Change, change, written
from analytics.metrics import METRICS, Metric, Number

SHOWN = {
    "visits": METRICS["total_visits"],
    "unique": METRICS["unique_visits"],
    "conversion": METRICS["conversion_rate"],
    "orders": METRICS["total_orders"],
    "sales": METRICS["total_sales"],
    "aov": METRICS["average_order_value"],
}
"""By what the page's address calls them."""
USUAL = "visits"


@dataclass(frozen=True)
class Card:
    """A headline number with its change."""

    metric: Metric
    value: str
    before: str
    change: Change
    link: str
    plotted: bool


def card(metric: Metric, now: Number, before: Number, *, link: str, plotted: bool) -> Card:
    """The card of a metric whose two numbers are known."""
    texts = written(now, metric.kind), written(before, metric.kind)
    return Card(metric, *texts, change(now, before, metric.kind), link, plotted)

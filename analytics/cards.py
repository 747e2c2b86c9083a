"""The headline numbers of the dashboard."""

from dataclasses import dataclass

from analytics.figures import Change, change, written
from analytics.metrics import METRICS, Metric, Number, Totals

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


def pair(metric: Metric, totals: tuple[Totals, Totals], unique: tuple[int, int]) -> tuple[Number, Number]:
    """A metric's numbers in a window and in the one before, of which these are the totals and the unique visitors."""
    if metric.of_totals is None:
        return unique
    return metric.of_totals(totals[0]), metric.of_totals(totals[1])

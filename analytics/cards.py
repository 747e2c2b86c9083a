"""The headline numbers of the dashboard: what each is called, means, and is read from."""

from collections.abc import Callable
from dataclasses import dataclass

from analytics.figures import Change, Kind, Number, change, written
from analytics.models import DailyMetrics
from analytics.totals import Totals


@dataclass(frozen=True)
class Metric:
    """One number. `of_totals` is None where sums of days would lie; `of_row` reads a single day."""

    key: str
    title: str
    definition: str
    kind: Kind
    of_totals: Callable[[Totals], Number] | None
    of_row: Callable[[DailyMetrics], Number]


METRICS = {
    metric.key: metric
    for metric in (
        Metric(
            "visits", "Visits", "Visits begun; bots not counted.", Kind.COUNT,
            lambda totals: totals.visits, lambda row: row.total_visits,
        ),
        Metric(
            "unique", "Unique visitors", "Distinct visitors, counted over the whole period.", Kind.COUNT,
            None, lambda row: row.unique_visits,
        ),
        Metric(
            "conversion", "Conversion", "Visits whose order was paid, of all visits.", Kind.RATE,
            lambda totals: totals.conversion, lambda row: row.conversion_rate,
        ),
        Metric(
            "orders", "Orders", "Orders paid.", Kind.COUNT,
            lambda totals: totals.orders, lambda row: row.total_orders,
        ),
        Metric(
            "sales", "Sales", "Totals of the orders paid: with shipping and tax, before refunds.", Kind.MONEY,
            lambda totals: totals.sales, lambda row: row.total_sales,
        ),
        Metric(
            "aov", "Average order", "Sales, by orders paid.", Kind.MONEY,
            lambda totals: totals.average_order_value, lambda row: row.average_order_value,
        ),
    )
}  # fmt: skip
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

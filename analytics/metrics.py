"""Every number of a day: what it is called, what it means, and how it follows from what may be added.

The definitions are those of the models, the API's schema and the dashboard: they stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any

from core.money import ZERO
from sessions_app.dimensions import Step

Number = Decimal | int
CENT = Decimal("0.01")


class Kind(StrEnum):
    """How a number is written and compared."""

    COUNT = "count"
    MONEY = "money"
    RATE = "rate"
    SECONDS = "seconds"
    MEAN = "mean"


@dataclass(frozen=True)
class Totals:
    """What a stretch of time brought, in numbers that may be added: of days, of hours, of a part of one.

    `session_seconds` is the sessions' time together.
    """

    total_visits: int = 0
    new_users: int = 0
    session_seconds: Decimal = ZERO
    total_page_views: int = 0
    engaged_sessions: int = 0
    product_sessions: int = 0
    cart_sessions: int = 0
    checkout_sessions: int = 0
    order_sessions: int = 0
    converted_sessions: int = 0
    cart_additions: int = 0
    checkouts_started: int = 0
    total_orders: int = 0
    total_sales: Decimal = ZERO
    gross_sales: Decimal = ZERO
    discounts: Decimal = ZERO
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    refunds: Decimal = ZERO
    sessionless_orders: int = 0
    sessionless_sales: Decimal = ZERO
    placed_orders: int = 0
    placed_and_paid: int = 0
    failed_orders: int = 0
    expired_orders: int = 0
    cancelled_orders: int = 0
    pending_fulfillment: int = 0
    processing_fulfillment: int = 0
    shipped_fulfillment: int = 0
    delivered_fulfillment: int = 0
    canceled_fulfillment: int = 0
    new_customers: int = 0
    new_registered: int = 0
    crawler_page_views: int = 0


ADDITIVE = tuple(field.name for field in fields(Totals))
HOURLY = tuple(name for name in ADDITIVE if name != "crawler_page_views")
"""Those that hours have too. Crawlers are counted by whole days."""


def from_columns(row: Mapping[str, Any]) -> Totals:
    """A row of `DailyMetrics` as totals."""
    return Totals(**{name: row[name] for name in ADDITIVE})


def from_hour(row: Mapping[str, Any]) -> Totals:
    """A row of `HourlyMetrics`, or of the statements behind it, as totals. None is nothing."""
    return Totals(**{name: row[name] for name in HOURLY if row[name] is not None})


def added(parts: Iterable[Totals]) -> Totals:
    """The sum."""
    parts = list(parts)
    return Totals(**{name: sum(getattr(part, name) for part in parts) for name in ADDITIVE})


def mean(total: Number, count: Number) -> Decimal:
    """`total / count`; 0 over nothing."""
    return Decimal(total) / count if count else ZERO


def percent(part: Number, whole: Number) -> Decimal:
    """Percent with two decimals; 0 of nothing."""
    return mean(100 * part, whole).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Metric:
    """One number. `of_totals` is None where sums of days would lie: distinct visitors are counted over the whole."""

    name: str
    title: str
    definition: str
    kind: Kind
    of_totals: Callable[[Totals], Number] | None


def counted(name: str, title: str, definition: str) -> Metric:
    """A count that may be added."""
    return Metric(name, title, definition, Kind.COUNT, attrgetter(name))


def amount(name: str, title: str, definition: str) -> Metric:
    """Money that may be added."""
    return Metric(name, title, definition, Kind.MONEY, attrgetter(name))


def rate(name: str, title: str, definition: str, of_totals: Callable[[Totals], Number]) -> Metric:
    """Percent, of sums: never the mean of days."""
    return Metric(name, title, definition, Kind.RATE, of_totals)


ALL = (
    counted("total_visits", "Visits", "Visits begun; bots not counted."),
    Metric(
        "unique_visits", "Unique visitors", "Distinct visitors, counted over the whole period.", Kind.COUNT, None
    ),
    counted("new_users", "New visitors", "Visitors whose first visit ever began in the period."),
    Metric("existing_users", "Returning visitors", "Unique visitors less new ones.", Kind.COUNT, None),
    Metric(
        "avg_session_duration", "Visit duration", "From the first to the last sign of a visit; the mean, in seconds.",
        Kind.SECONDS, lambda t: round(mean(t.session_seconds, t.total_visits), 3),
    ),
    counted("total_page_views", "Page views", "Pages seen in the visits begun."),
    Metric(
        "avg_page_views_per_session", "Pages a visit", "Page views by visits.",
        Kind.MEAN, lambda t: round(mean(t.total_page_views, t.total_visits), 4),
    ),
    counted("engaged_sessions", "Engaged visits", "Visits with 2 page views, 10 s, or anything done beyond looking."),
    rate(
        "bounce_rate", "Bounce rate", "Visits that were not engaged, of all visits.",
        lambda t: percent(t.total_visits - t.engaged_sessions, t.total_visits),
    ),
    counted("product_sessions", "Visits to products", "Visits that saw a product or went further."),
    counted("cart_sessions", "Visits with a cart", "Visits that reached the cart or went further."),
    counted("checkout_sessions", "Visits at checkout", "Visits that reached checkout or went further."),
    counted("order_sessions", "Visits that ordered", "Visits that placed an order."),
    counted("converted_sessions", "Visits that paid", "Visits whose order was paid, on the day of the visit."),
    rate(
        "cart_rate", "Cart rate", "Visits that reached the cart, of all visits.",
        lambda t: percent(t.cart_sessions, t.total_visits),
    ),
    rate(
        "checkout_rate", "Checkout rate", "Visits that reached checkout, of those that reached the cart.",
        lambda t: percent(t.checkout_sessions, t.cart_sessions),
    ),
    rate(
        "purchase_rate", "Purchase rate", "Visits whose order was paid, of those that reached checkout.",
        lambda t: percent(t.converted_sessions, t.checkout_sessions),
    ),
    rate(
        "conversion_rate", "Conversion", "Visits whose order was paid, of all visits.",
        lambda t: percent(t.converted_sessions, t.total_visits),
    ),
    counted("cart_additions", "Cart additions", "Times that something was put into a cart."),
    counted("checkouts_started", "Checkouts started", "Times that a checkout was begun."),
    counted("total_orders", "Orders", "Orders paid."),
    amount("total_sales", "Sales", "Totals of the orders paid: with shipping and tax, before refunds."),
    Metric(
        "average_order_value", "Average order", "Sales, by orders paid.",
        Kind.MONEY, lambda t: round(mean(t.total_sales, t.total_orders), 3),
    ),
    amount("gross_sales", "Gross sales", "Goods of the orders paid, before discounts, shipping and tax."),
    amount("discounts", "Discounts", "Discounts of the orders paid."),
    amount("shipping", "Shipping", "Shipping of the orders paid."),
    amount("tax", "Tax", "Tax of the orders paid."),
    amount("refunds", "Refunds", "Refunds made in the period, of whichever day's orders."),
    Metric("net_sales", "Net sales", "Sales less refunds.", Kind.MONEY, lambda t: t.total_sales - t.refunds),
    counted("sessionless_orders", "Orders without a visit", "Orders paid that no visit placed: by phone, imported."),
    amount("sessionless_sales", "Sales without a visit", "Totals of those orders."),
    counted("placed_orders", "Orders placed", "Orders placed, whatever became of them."),
    counted("placed_and_paid", "Orders placed and paid", "Of the orders placed: paid by now."),
    counted("failed_orders", "Orders failed", "Of the orders placed: failed."),
    counted("expired_orders", "Orders expired", "Of the orders placed: expired."),
    counted("cancelled_orders", "Orders cancelled", "Of the orders placed: cancelled."),
    rate(
        "payment_success_rate", "Payment success", "Orders paid, of those placed.",
        lambda t: percent(t.placed_and_paid, t.placed_orders),
    ),
    counted("pending_fulfillment", "To get ready", "Orders paid, by fulfilment now: pending."),
    counted("processing_fulfillment", "Being got ready", "Orders paid, by fulfilment now: processing."),
    counted("shipped_fulfillment", "Shipped", "Orders paid, by fulfilment now: shipped."),
    counted("delivered_fulfillment", "Delivered", "Orders paid, by fulfilment now: delivered."),
    counted("canceled_fulfillment", "Fulfilment canceled", "Orders paid, by fulfilment now: canceled."),
    counted("new_customers", "New customers", "Customers created."),
    counted("new_registered", "New accounts", "Of the customers created: registered."),
    counted("crawler_page_views", "Crawlers' page views", "Counted apart; in no other number."),
)  # fmt: skip
FUNNEL = {
    Step.VISIT: "total_visits",
    Step.PRODUCT: "product_sessions",
    Step.CART: "cart_sessions",
    Step.CHECKOUT: "checkout_sessions",
    Step.ORDER: "order_sessions",
    Step.PAID: "converted_sessions",
}
"""The steps of a visit, and the number that counts those who came so far. None is larger than the one before."""


def steps(totals: Totals) -> list[tuple[Step, int, int]]:
    """Each step of the funnel, how many came so far, and how many to the step before."""
    counts = {step: getattr(totals, name) for step, name in FUNNEL.items()}
    before = [totals.total_visits, *counts.values()]
    return [(step, count, last) for (step, count), last in zip(counts.items(), before, strict=False)]


METRICS = {metric.name: metric for metric in ALL}
DERIVED = tuple(metric for metric in ALL if metric.of_totals is not None and metric.name not in ADDITIVE)


def derived(totals: Totals) -> dict[str, Number]:
    """Rates and means that follow from totals, by name."""
    return {metric.name: metric.of_totals(totals) for metric in DERIVED if metric.of_totals}

"""How the figures of each tile are counted. The definitions of the metrics are theirs (`analytics.metrics`)."""

from __future__ import annotations

from analytics.metrics import FUNNEL, METRICS

Told = tuple[tuple[str, str], ...]
"""Names and what they mean."""
GOAL: Told = (
    (
        "Goal",
        "Sales so far of the days that have a goal / their goals; a month's goal is spread evenly over its days. "
        "Source: sales goals, orders paid.",
    ),
)
STEPS: Told = (
    *((step.capitalize(), METRICS[name].definition) for step, name in FUNNEL.items()),
    ("Of the step before", "100 × visits of this step / visits of the one before it."),
    ("Of all", "100 × visits of this step / all visits."),
    ("Source", "Visits, by when they began; how far each has come by now."),
)
OUTCOMES: Told = (
    ("Orders", "Orders placed in the period, by what became of them until now."),
    ("Share", "100 × orders in this state / orders placed."),
    ("Total", "The sum of their totals: with tax and shipping, after discounts, before refunds."),
    ("Source", "Orders, by when they were placed."),
)
VALUES: Told = (
    ("Visits", f"{METRICS['total_visits'].definition} Of pages and products: how often they were looked at."),
    (
        "Orders",
        "Paid orders of these visits, on the day of the visit. By a touch: on the day of the money, so that the lines "
        "add up to the sales of the period. Of products: orders paid in the period with the product in them.",
    ),
    (
        "Revenue",
        "The sum of their totals: gross, with tax and shipping, before refunds. Of products: what was paid for them, "
        "before discounts and shipping.",
    ),
    ("Conv.", "100 × orders / visits."),
    ("Source", "Daily breakdowns, computed every 5 minutes; with a filter, the visits themselves."),
)
WEEK: Told = (
    ("Visits", "Begun in this hour of the shop's clock, on all such weekdays of the period together."),
    ("Orders and sales", "Paid in this hour: gross, with tax and shipping, before refunds."),
)
MONEY: Told = (
    *((METRICS[name].title, METRICS[name].definition) for name in ("gross_sales", "discounts", "shipping")),
    ("Tax on top", "Sales less goods, shipping and discounts: what tax added to the prices."),
    *((METRICS[name].title, METRICS[name].definition) for name in ("total_sales", "refunds", "net_sales")),
    ("Tax within", "Tax that was in the prices already: part of the sales, not added to them."),
    ("Source", "Orders, by when the money came; refunds, by when they were made."),
)
CUSTOMERS: Told = (
    ("New", "Orders of customers who had not paid one before. Guests are known by their address."),
    ("Returning", "Orders of customers who had; also elsewhere, where orders were imported."),
    ("Share", "100 × their sales / all sales."),
    ("Source", "Orders, by when the money came: gross, with tax and shipping, before refunds."),
)
COUPONS: Told = (
    ("Sales", "The sum of the totals of the orders placed with it: gross, with tax and shipping, before refunds."),
    ("Discounts", "What the coupon took off them."),
    ("Source", "Orders, by when the money came."),
)

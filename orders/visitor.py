"""What orders know about a visitor, for the visitor's page."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from core.admin import Link, moment_text, record_page
from core.money import money_text
from orders.models import Order
from sessions_app.visitor_page import Section, Visitor, add_part

SHOWN = 50


def orders(visitor: Visitor) -> Section | None:
    """The newest orders that the visits placed, and what all of them that were paid come to; for those who may see
    orders.
    """
    if not visitor.may("orders.view_order"):
        return None
    placed = Order.objects.filter(visitor_session__in=visitor.visits()).order_by()
    rows = [order_row(order) for order in placed.order_by("-placed_at")[:SHOWN]]
    headers = ["Number", "Placed", "Payment", "Fulfilment", "Total", "Refunded"]
    return Section("Orders", headers, rows, sums(placed.filter(status=Order.Status.SUCCESS))) if rows else None


def order_row(order: Order) -> list[Any]:
    """An order as a line."""
    return [
        Link(order.number, record_page("orders_order", order.pk)),
        moment_text(order.placed_at),
        order.get_status_display(),
        order.get_fulfillment_status_display(),
        money_text(order.total, order.currency),
        money_text(order.refunded_amount, order.currency),
    ]


def sums(paid: QuerySet[Order]) -> str:
    """How many were paid and what they come to, by currency."""
    by_currency = paid.values_list("currency").annotate(Count("id"), Sum("total")).order_by("currency")
    found: Iterable[tuple[str, int, Decimal]] = list(by_currency)
    return ", ".join(f"{number:,} paid, {money_text(total, currency)}" for currency, number, total in found)


def register_part() -> None:
    """Makes it known; called when the app is ready."""
    add_part(orders)

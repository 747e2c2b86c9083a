"""From a number to the records behind it, for those who may see them."""

from __future__ import annotations

from django.http import HttpRequest

from analytics.periods import Window
from orders.admin.links import orders_link, placed_orders_link
from sessions_app.admin_links import visits_link
from sessions_app.dimensions import Dimension, Filters, Step

VISITS, ORDERS = "sessions_app.view_visitorsession", "orders.view_order"


def visits_behind(request: HttpRequest, window: Window, filters: Filters, step: Step = Step.VISIT) -> str:
    """The list of the visits that came so far; empty for those who may not see it."""
    may = request.user.has_perm(VISITS)
    return visits_link(filters, window.start, window.until, step) if may else ""


def orders_behind(request: HttpRequest, window: Window, filters: Filters) -> str:
    """The list of the orders paid in the window."""
    return orders_link(filters, window.start, window.until) if request.user.has_perm(ORDERS) else ""


def placed_behind(request: HttpRequest, window: Window, filters: Filters, status: str) -> str:
    """The list of the orders placed in the window that are in a state now."""
    may = request.user.has_perm(ORDERS)
    return placed_orders_link(filters, window.start, window.until, status) if may else ""


def value_behind(request: HttpRequest, window: Window, filters: Filters, dimension: Dimension, value: str) -> str:
    """The list of the visits with this value too."""
    return visits_behind(request, window, {**filters, dimension: value})

"""Addresses of lists of orders: what a figure counts, its link shows."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from core.admin.spans import Span, written
from orders.admin.visits import PAID, PLACED
from orders.models import Order
from sessions_app.admin_links import values_of
from sessions_app.dimensions import Filters


def orders_link(filters: Filters, start: datetime, until: datetime) -> str:
    """The list of the orders paid from `start` on and before `until`, whose visits have these values."""
    span = written(Span(start, until), *PAID)
    return listed({"status__exact": Order.Status.SUCCESS.value} | values_of(filters) | span)


def placed_orders_link(filters: Filters, start: datetime, until: datetime, status: str = "") -> str:
    """The list of the orders placed then, in this `Order.Status` now; "" is any."""
    span = written(Span(start, until), *PLACED)
    return listed(({"status__exact": status} if status else {}) | values_of(filters) | span)


def listed(asked: dict[str, str]) -> str:
    """The list with these filters."""
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(asked)}"

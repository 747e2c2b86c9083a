"""Where to look: the view that shows what an alert says."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from analytics.models import AlertKind
from core.clock import shop_day
from orders.models import PaymentAttempt

PLOTS = {AlertKind.TRAFFIC_LOW: "visits", AlertKind.TRAFFIC_HIGH: "visits", AlertKind.CONVERSION_LOW: "conversion"}
LISTS = {
    AlertKind.NO_ORDERS: ("orders_order", {}),
    AlertKind.PAYMENTS_FAILING: ("orders_paymentattempt", {"status__exact": PaymentAttempt.Status.FAILURE.value}),
}


def view_of(kind: str, began: datetime, *, now: datetime) -> str:
    """The path of the dashboard on the day on which it began, with the metric plotted; or of the list."""
    known = AlertKind(kind)
    if known in PLOTS:
        day, query = shop_day(began), {"period": "today", "plot": PLOTS[known]}
        query |= {"to": day.isoformat()} if day < shop_day(now) else {}
        return f"{reverse('admin:index')}?{urlencode(query)}"
    model, filters = LISTS[known]
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(filters)}".rstrip("?")

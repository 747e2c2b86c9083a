"""Where to look: the view that shows what an alert says."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from analytics.dashboard.asked import Asked
from analytics.models import Alert, AlertKind
from core.clock import day_bounds, shop_day
from orders.admin.links import placed_orders_link
from orders.models import PaymentAttempt

PLOTS = {AlertKind.TRAFFIC_LOW: "visits", AlertKind.TRAFFIC_HIGH: "visits", AlertKind.CONVERSION_LOW: "conversion"}


def view_of(kind: str, began: datetime, *, now: datetime) -> str:
    """The path of the dashboard on the day on which it began, with the metric plotted; or of the list."""
    known, day = AlertKind(kind), shop_day(began)
    if known in PLOTS:
        today = Asked(plot=PLOTS[known], period="today")
        return today.of_days(day, day) if day < shop_day(now) else today.link()
    if known is AlertKind.NO_ORDERS:
        return placed_orders_link({}, *day_bounds(day))
    failed = {"status__exact": PaymentAttempt.Status.FAILURE.value, "opened_at_from": day.isoformat()}
    return f"{reverse('admin:orders_paymentattempt_changelist')}?{urlencode(failed)}"


def record_page(alert: Alert) -> str:
    """The path of its own page, on which it is muted."""
    return reverse("admin:analytics_alert_change", args=[alert.pk])

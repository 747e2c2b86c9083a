"""The sidebar of the admin (`settings.UNFOLD["SIDEBAR"]["navigation"]`): what each person may see of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest
from django.urls import reverse

Item = tuple[str, str, str]
"""Title, icon, and the model as `app.model`, with the filters of its list if any."""

GROUPS: dict[str, list[Item]] = {
    "Orders": [
        ("Orders", "receipt_long", "orders.order"),
        ("Needs attention", "error", "orders.order?attention=needed"),
        ("Checkouts", "shopping_cart_checkout", "checkout.checkoutsession"),
        ("Abandoned checkouts", "production_quantity_limits", "checkout.abandonedcheckout"),
        ("No reminders", "notifications_off", "checkout.reminderaddress"),
        ("Payment attempts", "credit_card", "orders.paymentattempt"),
        ("Refunds", "currency_exchange", "orders.refund"),
        ("Customers", "group", "customers.customer"),
        ("Customer groups", "groups", "customers.customergroup"),
    ],
    "Catalogue": [
        ("Products", "inventory_2", "catalog.product"),
        ("Categories", "shelves", "catalog.category"),
        ("Stock movements", "swap_vert", "catalog.stockmovement"),
    ],
    "Prices": [
        ("Coupons", "sell", "checkout.coupon"),
        ("Shipping", "local_shipping", "checkout.shippingzone"),
        ("Tax", "percent", "checkout.taxrate"),
        ("Payment windows", "timer", "orders.windowrule"),
    ],
    "Visits": [
        ("Visits", "footprint", "sessions_app.visitorsession"),
        ("Events", "bolt", "sessions_app.sessionevent"),
        ("Channel rules", "alt_route", "sessions_app.channelrule"),
        ("Daily metrics", "calendar_month", "analytics.dailymetrics"),
        ("Hourly metrics", "schedule", "analytics.hourlymetrics"),
        ("Breakdowns", "donut_small", "analytics.dailybreakdown"),
        ("Sales goals", "flag", "analytics.salesgoal"),
        ("Notes on days", "edit_calendar", "analytics.annotation"),
        ("Alerts", "notifications", "analytics.alert"),
    ],
    "Operations": [
        ("Schedule", "schedule", "django_celery_beat.periodictask"),
        ("Events out", "outbox", "orders.outboxevent"),
        ("Webhook subscribers", "webhook", "orders.webhookendpoint"),
        ("Webhook deliveries", "outgoing_mail", "orders.webhookdelivery"),
        ("Webhook inbox", "mark_email_read", "orders.webhookreceipt"),
        ("Mails", "mail", "core.mail"),
        ("Mail texts", "edit_note", "core.mailtext"),
        ("Dead letters", "report", "sessions_app.deadletter"),
        ("Realtime", "monitoring", "analytics.realtimemetrics"),
        ("Busiest hours", "trending_up", "analytics.realtimehour"),
        ("Crawlers", "smart_toy", "sessions_app.crawlerday"),
        ("Consent", "verified_user", "sessions_app.consentrecord"),
        ("Idempotency keys", "key", "checkout.idempotencykey"),
    ],
    "People": [
        ("Accounts", "person", "customers.user"),
        ("Groups", "groups", "auth.group"),
        ("API tokens", "vpn_key", "customers.apitoken"),
        ("My mails", "forward_to_inbox", "analytics.staffsubscription"),
    ],
}
SHOWN_WITH = {"analytics.staffsubscription": "analytics.view_dailymetrics"}
"""Entries for those who may view something else: its figures are what these mails tell."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the sidebar, for unfold; it leaves out what the permission of an item refuses."""
    overview = {"title": "Dashboard", "icon": "dashboard", "link": reverse("admin:index")}
    seen = may_view("analytics", "dailymetrics")
    live = {"title": "Live", "icon": "sensors", "link": reverse("live"), "permission": seen}
    groups = [{"title": title, "items": [entry(*item) for item in items]} for title, items in GROUPS.items()]
    return [{"items": [overview, live]}, *groups]


def entry(title: str, icon: str, model: str) -> dict[str, Any]:
    """A link to the list of a model, for those who may view it."""
    label, mark, filters = model.partition("?")
    app, name = label.split(".")
    path = reverse(f"admin:{app}_{name}_changelist")
    link = {"title": title, "icon": icon, "link": path + mark + filters, "permission": may_view(app, name)}
    return link | {"active": is_shown(path, dict(parse_qsl(filters)))} if filters else link


def is_shown(path: str, filters: dict[str, str]) -> Callable[[HttpRequest], bool]:
    """Whether the list is shown with these filters: without them another entry leads to it."""
    return lambda request: request.path == path and filters.items() <= request.GET.dict().items()


def may_view(app: str, name: str) -> Callable[[HttpRequest], bool]:
    """Whether the person asking may view that model."""
    permission = SHOWN_WITH.get(f"{app}.{name}", f"{app}.view_{name}")
    return lambda request: bool(request.user.has_perm(permission))

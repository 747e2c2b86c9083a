"""Who may what in the admin.

A page of a model's list, form, deletion or history has its rule from the model's permissions; a new screen needs no
line. Every other page (`get_urls`, actions of a record or a list, pages of figures) needs one: the permissions that its
reader must have. Each entry is needed; one of several, divided by `|`, is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.test import RequestFactory

from customers.models import User
from tests.security.records import label
from tests.security.routes import Route

FIGURES = "analytics.view_dailymetrics"
REPLAY = "orders.replay_webhookdelivery"
ORDER, CHANGE_ORDER = "orders.view_order|orders.change_order", "orders.change_order"
FULFIL, RESOLVE = "orders.fulfil_order", "orders.resolve_order"
SUBSCRIBER = "orders.change_webhookendpoint"
ADD_PRODUCTS = ("catalog.add_product", "catalog.change_product")

Needs = tuple[str, ...]


@dataclass(frozen=True)
class Door:
    """What a page needs, and by which methods it is asked. `open_to_staff` is the status of one that needs nothing."""

    needs: Needs = ()
    methods: tuple[str, ...] = ("get", "post")
    open_to_staff: int = 0
    login: bool = True
    """Whether whoever is no staff is led to the login."""


def holders(*needs: str, methods: Sequence[str] = ("get", "post")) -> Door:
    """For those who have all of these permissions; 403 to others."""
    return Door(needs, tuple(methods))


def staff(status: int, *methods: str) -> Door:
    """For all staff: there is nothing of the shop in it."""
    return Door((), methods or ("get",), status)


def records_of(model: str, permission: str, *actions: str) -> dict[str, Door]:
    """Buttons on the page of a record."""
    return {f"/admin/{model.replace('.', '/')}/<object_id>/{name}/": holders(permission) for name in actions}


DOORS: dict[str, Door] = {
    "/admin/": staff(200),
    "/admin/login/": Door((), ("get",), 302, login=False),
    "/admin/login/code/": Door((), ("get",), 302, login=False),
    "/admin/login/second-factor/": Door((), ("get",), 302, login=False),
    "/admin/second-factor/": staff(200),
    "/admin/logout/": staff(200, "post"),
    "/admin/password_change/": staff(200),
    "/admin/password_change/done/": staff(200),
    "/admin/autocomplete/": staff(403),
    "/admin/jsi18n/": staff(200),
    "/admin/search/": staff(200),
    "/admin/r/<content_type_id>/<object_id>/": staff(404),
    "/admin/<app_label>/": staff(404),
    "/admin/<url>": staff(404),
    "/admin/dashboard/tiles": holders(FIGURES, methods=["get"]),
    "/admin/dashboard/<name>.csv": holders(FIGURES, methods=["get"]),
    "/admin/dashboard/chart.png": holders(FIGURES, methods=["get"]),
    "/admin/dashboard/notes": holders("analytics.add_annotation", methods=["post"]),
    "/admin/live/": holders(FIGURES, methods=["get"]),
    "/admin/live/figures/": holders(FIGURES, methods=["get"]),
    "/admin/analytics/staffsubscription/": holders(FIGURES),
    "/admin/catalog/product/import/": holders(*ADD_PRODUCTS),
    "/admin/catalog/product/process_import/": holders(*ADD_PRODUCTS, methods=["post"]),
    "/admin/catalog/product/export/": holders("catalog.view_product|catalog.change_product"),
    "/admin/customers/user/<id>/password/": holders("customers.change_user"),
    "/admin/sessions_app/visitorsession/visitor/<visitor_id>/": holders(
        "sessions_app.view_visitorsession", methods=["get"]
    ),
    "/admin/orders/order/<order_id>/comment/": holders(ORDER, "orders.add_ordercomment", methods=["post"]),
    "/admin/orders/order/by_phone/": holders("orders.add_order"),
    "/admin/checkout/checkoutsession/phone/": holders("orders.add_order"),
    "/admin/checkout/checkoutsession/phone/products/": holders("orders.add_order", methods=["get"]),
    **records_of("core.mailtext", "core.view_mailtext|core.change_mailtext", "preview"),
    **records_of("customers.customer", "customers.erase_customer", "give_out", "erase"),
    **records_of("customers.user", "customers.change_user", "reset_factor"),  # and for superusers alone
    **records_of("customers.apitoken", "customers.change_apitoken", "revoke"),
    **records_of("sessions_app.visitorsession", "sessions_app.erase_visitorsession", "give_out", "erase"),
    **records_of("orders.order", FULFIL, "process", "ship", "track", "deliver", "withhold"),
    **records_of("orders.order", "orders.refund_order", "refund"),
    **records_of("orders.order", RESOLVE, "refund_money", "accept_money", "dismiss"),
    **records_of("orders.order", CHANGE_ORDER, "extend", "poll", "resend", "cancel"),
    **records_of("orders.webhookreceipt", "orders.replay_webhookreceipt", "replay"),
    **records_of("orders.outboxevent", REPLAY, "send_again"),
    **records_of("orders.webhookdelivery", REPLAY, "send_again"),
    **records_of("orders.webhookendpoint", SUBSCRIBER, "send_test", "rotate_secret", "pause", "enable"),
    **records_of("checkout.reminderaddress", "checkout.change_reminderaddress", "allow"),
    **records_of("analytics.alert", "analytics.change_alert", "mute_kind", "unmute_kind"),
}
LIST_ACTIONS: dict[str, str] = {
    "delete_selected": "",  # Django's, by the model's own permission
    "process_many": FULFIL,
    "deliver_many": FULFIL,
    "resend_many": CHANGE_ORDER,
    "send_selected": REPLAY,
    "enable_tasks": "django_celery_beat.change_periodictask",
    "disable_tasks": "django_celery_beat.change_periodictask",
}
"""What is done to the rows that were ticked, and who may. A new one needs a line."""
PAGES = {"": ("view", "change"), "add/": ("add",), "<object_id>/change/": ("view", "change"),
         "<object_id>/history/": ("view", "change"), "<object_id>/delete/": ("delete",)}  # fmt: skip
"""The pages of each model, and the permissions of which one opens them."""


def doors(site: AdminSite = admin.site) -> dict[str, Door]:
    """Every address of the admin that has a rule."""
    found: dict[str, Door] = {}
    for model in site._registry:
        below = f"/admin/{label(model).replace('.', '/')}/"
        for page, verbs in PAGES.items():
            names = [f"{model._meta.app_label}.{verb}_{model._meta.model_name}" for verb in verbs]
            found[below + page] = holders("|".join(names))
        found[f"{below}<object_id>/"] = staff(302)
    return found | DOORS


def lacking(routes: Sequence[Route]) -> set[str]:
    """Addresses of the admin without a rule."""
    return {route.path for route in routes if route.is_of_admin} - doors().keys()


def list_actions(screen: Any, user: User) -> dict[str, Any]:
    """What a list offers to somebody."""
    request = RequestFactory().get("/")
    request.user = user
    actions: dict[str, Any] = screen.get_actions(request)
    return actions

"""Orders to be read; what changes them is a service."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeNumericFilter
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    WAITING,
    Chip,
    ChippedList,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    action,
    as_uuid,
    badge,
    derived,
    moment,
    money,
    unbroken,
    with_email,
)
from core.clock import now
from core.money import money_text
from customers.models import Customer
from orders import desk_page, order_page
from orders.admin.bulk import BulkActions
from orders.admin.desk import DeskActions
from orders.admin.finding import PREFIX, numbered
from orders.admin.looking import looked_at
from orders.admin.visits import VisitOfOrderFilter, order_chips
from orders.models import Order, OrderStatusChange
from orders.reasons import OTHER, REASONS, of_reason
from orders.services import CommentMissingError, comment

STATUS = {"pending": WAITING, "success": GOOD, "failed": BAD, "expired": "default", "cancelled": "default"}
FULFILLMENT = {"pending": "default", "processing": PLAIN, "shipped": PLAIN, "delivered": GOOD, "canceled": "default"}


MORE = ("track", "extend", "poll", "resend", "refund", "withhold", "cancel")
"""Actions that are not the next step of most orders."""


class AttentionFilter(DropdownFilter):
    """Orders that somebody must look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        reasons = [(reason.key, reason.title.capitalize()) for reason in REASONS]
        return [("needed", "Needs attention"), *reasons, (OTHER, "Other reasons")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return of_reason(queryset.exclude(needs_attention=""), self.value() or "") if self.value() else queryset


@admin.register(Order)
class OrderAdmin(ChippedList, KeySearch, BulkActions, DeskActions):
    """The orders, newest first. Nobody types into an order."""

    list_display = (
        "number_text",
        "email",
        "state",
        "fulfillment",
        "total_text",
        "refunded_text",
        "coupon",
        "placed",
        "attention",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("fulfillment_status", ChoicesDropdownFilter),
        AttentionFilter,
        ("placed_at", DayRangeFilter),
        ("paid_at", DayRangeFilter),
        ("total", RangeNumericFilter),
        VisitOfOrderFilter,
    )
    sortable_by = ("number_text", "placed")
    compressed_fields = False
    search_help_text = "Number, e-mail address (as far as its @) or id"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "status", "fulfillment_status"),
                    ("placed_at", "paid_at", "closed_at"),
                    "needs_attention",
                )
            },
        ),
        ("Items", {"fields": ("items", "sums")}),
        ("Customer", {"fields": (("customer", "name", "phone"), ("delivery", "invoice", "shipping_method"))}),
        ("Payment", {"fields": ("window", "attempts", "refunds")}),
        ("Visit", {"fields": (("first", "last"),)}),
    )
    readonly_fields = (
        "items",
        "sums",
        "name",
        "delivery",
        "invoice",
        "window",
        "attempts",
        "refunds",
        "first",
        "last",
    )

    state = badge("status", STATUS, "Payment")
    fulfillment = badge("fulfillment_status", FULFILLMENT, "Fulfilment")
    placed = moment("placed_at", "Placed")
    coupon = derived("Coupon", lambda order: order.coupon_code or NOTHING)
    total_text = money("total", "Total")
    items = derived("Lines", order_page.items)
    sums = derived("Sums", order_page.sums)
    name = derived("Name", order_page.name)
    delivery = derived("Delivery address", lambda order: order_page.address(order.shipping_address))
    invoice = derived("Invoice address", lambda order: order_page.address(order.billing_address))
    window = derived("Payment window", order_page.window)
    attempts = derived("Attempts", order_page.attempts)
    refunds = derived("Refunds", order_page.refunds)
    first = derived("First touch", lambda order: order_page.touch(order.first_touch))
    last = derived("Last touch", lambda order: order_page.touch(order.last_touch))
    actions_list = ("by_phone",)
    change_form_outer_before_template = "admin/orders/desk.html"
    actions_detail = (
        "process",
        "ship",
        "deliver",
        "refund_money",
        "accept_money",
        "dismiss",
        {"title": _("More"), "icon": "more_vert", "items": MORE},
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        """On the queue the reason comes first."""
        if request.GET.get(AttentionFilter.parameter_name) != "needed":
            return self.list_display
        return ("number_text", "attention", *(name for name in self.list_display[1:] if name != "attention"))

    def named_chips(self, request: HttpRequest) -> Iterable[Chip]:
        return order_chips(request.GET)

    def find(self, rows: QuerySet[Order], word: str) -> QuerySet[Order]:
        if key := as_uuid(word):
            return rows.filter(pk=key)
        if "@" in word:
            return rows.filter(customer__in=with_email(Customer.objects.order_by(), word))
        number = word.upper()
        return rows.filter(Q(number__startswith=number) | Q(number__startswith=PREFIX + number))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        """With all that the page shows: unfold reads each field of it more than once."""
        return looked_at(request, object_id)

    @action(description=_("New order by phone"), icon="call", permissions=["by_phone"])
    def by_phone(self, request: HttpRequest) -> HttpResponse:
        """Leads to the page that takes one."""
        return redirect("admin:checkout_phone_order")

    def has_by_phone_permission(self, request: HttpRequest) -> bool:
        """Those who may add orders; nobody adds one in another way here."""
        return request.user.has_perm("orders.add_order")

    @display(description="Number", ordering="number")
    def number_text(self, order: Order) -> SafeString:
        return unbroken(order.number)

    @display(description="Refunded")
    def refunded_text(self, order: Order) -> str:
        return money_text(order.refunded_amount, order.currency) if order.refunded_amount else NOTHING

    @display(description="Attention", label={"yes": BAD})
    def attention(self, order: Order) -> tuple[str, str] | str:
        return ("yes", order.needs_attention) if order.needs_attention else ""

    def get_urls(self) -> list[URLPattern]:
        comment = self.admin_site.admin_view(require_POST(self.add_comment))
        return [path("<uuid:order_id>/comment/", comment, name="orders_order_comment"), *super().get_urls()]

    def add_comment(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """Adds what somebody wrote into the box of the page."""
        if not (self.has_view_permission(request) and request.user.has_perm("orders.add_ordercomment")):
            raise PermissionDenied
        order = get_object_or_404(Order, pk=order_id)
        try:
            comment(order_id=order_id, text=request.POST.get("text", ""), actor=str(request.user), now=now())
        except CommentMissingError as error:
            self.message_user(request, str(error.text), messages.ERROR)
        else:
            self.log_change(request, order, gettext("Comment added."))
        return redirect("admin:orders_order_change", order_id)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        order = looked_at(request, object_id or "") if self.has_view_permission(request) else None
        desk = desk_page.desk_of(order, self.offered(request, order), now=now()) if order else None
        comments = request.user.has_perm("orders.add_ordercomment")
        sees_visits = request.user.has_perm("sessions_app.view_visitorsession")
        links = order_page.visit_links(order) if order and sees_visits else []
        context = (extra_context or {}) | {"desk": desk, "may_comment": comments, "visit_links": links}
        return super().changeform_view(request, object_id, form_url, context)

    def offered(self, request: HttpRequest, order: Order) -> dict[str, str]:
        """The addresses of the next steps that this person may take now."""
        may = {name: getattr(self, f"has_{name}_permission")(request, str(order.pk)) for name in desk_page.STEPS}
        return {name: reverse(f"admin:orders_order_{name}", args=[order.pk]) for name in may if may[name]}


@admin.register(OrderStatusChange)
class OrderStatusChangeAdmin(KeySearch, HistoryAdmin):
    """Every change of every order."""

    list_display = ("when", "order", "field", "old", "new", "actor", "reason")
    list_select_related = ("order",)
    list_filter = (("created_at", DayRangeFilter),)
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Number of an order"
    when = moment("created_at", "When")

    def find(self, rows: QuerySet[OrderStatusChange], word: str) -> QuerySet[OrderStatusChange]:
        return rows.filter(order__in=numbered(word))

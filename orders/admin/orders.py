"""Orders to be read; what changes them is a service."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeNumericFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    WAITING,
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
from orders import order_page
from orders.admin.attention import AttentionActions
from orders.admin.finding import PREFIX, numbered
from orders.models import Order, OrderStatusChange
from orders.services import OrderNotCancellableError, cancel_order

STATUS = {"pending": WAITING, "success": GOOD, "failed": BAD, "expired": "default", "cancelled": "default"}
FULFILLMENT = {"pending": "default", "processing": PLAIN, "shipped": PLAIN, "delivered": GOOD, "canceled": "default"}


class AttentionFilter(DropdownFilter):
    """Orders that somebody must look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("needed", "Needs attention")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(needs_attention="") if self.value() == "needed" else queryset


@admin.register(Order)
class OrderAdmin(KeySearch, AttentionActions):
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
        ("Visit", {"fields": (("visit", "first", "last"),)}),
        ("History", {"fields": ("changes",)}),
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
        "visit",
        "first",
        "last",
        "changes",
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
    visit = derived("Visit", order_page.visit)
    first = derived("First touch", lambda order: order_page.touch(order.first_touch))
    last = derived("Last touch", lambda order: order_page.touch(order.last_touch))
    changes = derived("Changes", order_page.changes)
    actions_detail = ("cancel", "refund_money", "accept_money", "dismiss")

    def get_list_display(self, request: HttpRequest) -> Any:
        """On the queue the reason comes first."""
        if request.GET.get(AttentionFilter.parameter_name) != "needed":
            return self.list_display
        return ("number_text", "attention", *(name for name in self.list_display[1:] if name != "attention"))

    def find(self, rows: QuerySet[Order], word: str) -> QuerySet[Order]:
        if key := as_uuid(word):
            return rows.filter(pk=key)
        if "@" in word:
            return rows.filter(customer__in=with_email(Customer.objects.order_by(), word))
        number = word.upper()
        return rows.filter(number__startswith=number if number.startswith(PREFIX) else PREFIX + number)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Order | None:
        """With all that the page shows: unfold reads each field of it more than once."""
        order: Order | None = super().get_object(request, object_id, from_field)
        if order is not None:
            prefetch_related_objects([order], *order_page.RELATED)
        return order

    @display(description="Number", ordering="number")
    def number_text(self, order: Order) -> SafeString:
        return unbroken(order.number)

    @display(description="Refunded")
    def refunded_text(self, order: Order) -> str:
        return money_text(order.refunded_amount, order.currency) if order.refunded_amount else NOTHING

    @display(description="Attention", label={"yes": BAD})
    def attention(self, order: Order) -> tuple[str, str] | str:
        return ("yes", order.needs_attention) if order.needs_attention else ""

    @action(
        description="Cancel order",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog={
            "title": "Cancel this order?",
            "description": "Stock and coupon go back, and the shopper can no longer pay. This cannot be undone.",
            "form_class": None,
            "form_submit_text": "Cancel order",
        },
    )
    def cancel(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Runs on a POST alone: unfold shows the dialog on a GET, and its form carries the CSRF token."""
        try:
            order = cancel_order(order_id=UUID(object_id), actor=str(request.user), now=now())
        except OrderNotCancellableError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, order, "Cancelled.")
            self.message_user(request, f"Order {order.number} is cancelled.", messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_order_change", args=[object_id])})

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether to offer it: to those who may change orders, while the order is pending."""
        key = as_uuid(object_id)
        may = request.user.has_perm("orders.change_order")
        return key is not None and may and Order.objects.pending().filter(pk=key).exists()


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

"""Orders and what was paid for them, to be read; what changes them is a service."""

import base64
import secrets
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter, RangeNumericFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminURLInputWidget

from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    RecordForm,
    ShopAdmin,
    action,
    as_uuid,
    badge,
    derived,
    moment,
    money,
    record_link,
    unbroken,
    with_email,
)
from core.clock import now
from core.money import money_text
from customers.models import Customer
from orders import order_page
from orders.models import (
    Order,
    OrderSession,
    OrderStatusChange,
    OutboxEvent,
    PaymentAttempt,
    Refund,
    WebhookEndpoint,
    WebhookReceipt,
)
from orders.services import OrderNotCancellableError, cancel_order

PREFIX = "ORD-"
STATUS = {"pending": WAITING, "success": GOOD, "failed": BAD, "expired": "default", "cancelled": "default"}
FULFILLMENT = {"pending": "default", "processing": PLAIN, "shipped": PLAIN, "delivered": GOOD, "canceled": "default"}
WINDOW = {"active": WAITING, "completed": GOOD, "expired": "default", "cancelled": "default"}
ATTEMPT = {"open": WAITING, "success": GOOD, "failure": BAD, "timeout": "default"}
REFUND = {"requested": WAITING, "done": GOOD, "failed": BAD}


class AttentionFilter(DropdownFilter):
    """Orders that somebody must look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("needed", "Needs attention")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(needs_attention="") if self.value() == "needed" else queryset


class UndeliveredFilter(DropdownFilter):
    """Events that no subscriber has confirmed yet."""

    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not delivered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(delivered_at=None) if self.value() == "waiting" else queryset


@admin.register(Order)
class OrderAdmin(KeySearch, HistoryAdmin):
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
    actions_detail = ("cancel",)

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


@admin.register(OrderSession)
class OrderSessionAdmin(KeySearch, HistoryAdmin):
    """The payment windows."""

    list_display = ("order", "state", "started", "expires", "payment_attempts", "max_payment_attempts")
    list_select_related = ("order",)
    list_filter = (("status", ChoicesDropdownFilter), ("expires_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Number of an order"

    state = badge("status", WINDOW, "Status")
    started = moment("started_at", "Started")
    expires = moment("expires_at", "Expires")

    def find(self, rows: QuerySet[OrderSession], word: str) -> QuerySet[OrderSession]:
        return rows.filter(order__in=numbered(word))


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(KeySearch, HistoryAdmin):
    """What was asked of billing, and what became of it."""

    list_display = (
        "opened",
        "order",
        "number",
        "state",
        "amount_text",
        "billing_checkout_id",
        "poll_count",
        "next_poll",
        "last_error",
    )
    list_select_related = ("order_session__order",)
    list_filter = (("status", ChoicesDropdownFilter), ("next_poll_at", DayRangeFilter), ("opened_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Number of an order, or the id at billing"
    exclude = ("payment_url",)  # whoever has it is taken for the shopper at billing

    state = badge("status", ATTEMPT, "Status")
    amount_text = money("amount", "Amount")
    opened = moment("opened_at", "Opened")
    next_poll = moment("next_poll_at", "Next poll")

    def find(self, rows: QuerySet[PaymentAttempt], word: str) -> QuerySet[PaymentAttempt]:
        if word.upper().startswith(PREFIX):
            return rows.filter(order_session__order__in=numbered(word))
        return rows.filter(billing_checkout_id=word)

    @display(description="Order")
    def order(self, attempt: PaymentAttempt) -> SafeString:
        order = attempt.order_session.order
        return record_link("orders_order", order.pk, order.number)


@admin.register(Refund)
class RefundAdmin(KeySearch, HistoryAdmin):
    """Money on its way back."""

    list_display = ("requested", "order", "amount_text", "state", "reason", "made", "tries", "last_error")
    list_select_related = ("attempt__order_session__order",)
    list_filter = (("status", ChoicesDropdownFilter), ("made_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Number of an order"

    state = badge("status", REFUND, "Status")
    amount_text = money("amount", "Amount")
    requested = moment("requested_at", "Requested")
    made = moment("made_at", "Made")

    def find(self, rows: QuerySet[Refund], word: str) -> QuerySet[Refund]:
        return rows.filter(attempt__order_session__order__in=numbered(word))

    @display(description="Order")
    def order(self, refund: Refund) -> SafeString:
        order = refund.attempt.order_session.order
        return record_link("orders_order", order.pk, order.number)


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(KeySearch, HistoryAdmin):
    """Webhooks of the billing service that were handled."""

    list_display = ("webhook_id", "received")
    list_filter = (("received_at", DayRangeFilter),)
    ordering = ("-received_at",)
    sortable_by = ()
    search_help_text = "Begin of the webhook's id"
    received = moment("received_at", "Received")

    def find(self, rows: QuerySet[WebhookReceipt], word: str) -> QuerySet[WebhookReceipt]:
        return rows.filter(webhook_id__startswith=word)


@admin.register(OutboxEvent)
class OutboxEventAdmin(KeySearch, HistoryAdmin):
    """What other services were or will be told."""

    list_display = ("created", "topic", "delivered", "attempts", "id")
    list_filter = (("topic", ChoicesDropdownFilter), UndeliveredFilter, ("created_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Id of the event"
    created = moment("created_at", "Created")
    delivered = moment("delivered_at", "Delivered")

    def find(self, rows: QuerySet[OutboxEvent], word: str) -> QuerySet[OutboxEvent]:
        key = as_uuid(word)
        return rows.filter(pk=key) if key else rows.none()


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class WebhookEndpointForm(RecordForm):
    """A subscriber. Its secret is shown once, while it is made."""

    url = forms.URLField(max_length=500, assume_scheme="https", widget=UnfoldAdminURLInputWidget())
    topics = forms.MultipleChoiceField(
        choices=OutboxEvent.Topic.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ShopAdmin):
    """Who is told about orders."""

    form = WebhookEndpointForm
    list_display = ("url", "is_active", "topic_list", "created_by", "created_at")
    list_select_related = ("created_by",)
    list_filter = (("is_active", BooleanRadioFilter),)
    fields = ("url", "topics", "is_active", "created_by", "created_at")
    add_fieldsets = ((None, {"fields": ("url", "topics", "secret", "is_active")}),)
    readonly_fields = ("created_by", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "secret" in form.base_fields:
            form.base_fields["secret"].initial = new_secret
            form.base_fields["secret"].help_text = "Copy it to the subscriber now: it is not shown again."
        return form

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    @display(description="Topics")
    def topic_list(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.topics)


def numbered(word: str) -> QuerySet[Order]:
    """Orders whose number begins so."""
    return Order.objects.order_by().filter(number__startswith=word.upper())

"""Payment windows, attempts and refunds, to be read."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    NotedList,
    badge,
    moment,
    money,
    record_link,
)
from orders.admin.finding import PREFIX, counted_text, numbered
from orders.models import OrderSession, PaymentAttempt, Refund
from orders.providers import calls

WINDOW = {"active": WAITING, "completed": GOOD, "expired": "default", "cancelled": "default"}
ATTEMPT = {"open": WAITING, "success": GOOD, "failure": BAD, "timeout": "default"}
REFUND = {"requested": WAITING, "done": GOOD, "failed": BAD}


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
class PaymentAttemptAdmin(NotedList, KeySearch, HistoryAdmin):
    """What was asked of billing, and what became of it."""

    list_display = (
        "opened",
        "order",
        "number",
        "state",
        "amount_text",
        "provider",
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

    def note(self) -> str:
        return counted_text(calls.COUNTED)

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

    list_display = ("requested", "order_link", "amount_text", "state", "reason", "made", "tries", "last_error")
    list_select_related = ("attempt__order_session__order", "order")
    list_filter = (("status", ChoicesDropdownFilter), ("made_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = "Number of an order or of an imported credit note"

    state = badge("status", REFUND, "Status")
    amount_text = money("amount", "Amount")
    requested = moment("requested_at", "Requested")
    made = moment("made_at", "Made")

    def find(self, rows: QuerySet[Refund], word: str) -> QuerySet[Refund]:
        found = numbered(word)
        return rows.filter(Q(attempt__order_session__order__in=found) | Q(order__in=found) | Q(credit_note=word))

    @display(description="Order")
    def order_link(self, refund: Refund) -> SafeString | str:
        order = refund.attempt.order_session.order if refund.attempt else refund.order
        return record_link("orders_order", order.pk, order.number) if order else refund.credit_note

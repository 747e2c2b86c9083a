"""The inbox of webhooks: what came, what became of it, and handling it once more."""

from typing import Any

from django.contrib import admin, messages
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    PLAIN,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    KeySearch,
    NotedList,
    action,
    ask,
    badge,
    decided,
    is_there,
    moment,
    record_page,
)
from core.clock import now
from orders import inbox
from orders.admin.finding import counted_text
from orders.models import WebhookReceipt

OUTCOME = {
    "received": WAITING,
    "settled": GOOD,
    "no_change": PLAIN,
    "unmatched": WAITING,
    "unreadable": BAD,
    "contradicts": BAD,
    "failed": BAD,
}


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(NotedList, KeySearch, HistoryAdmin):
    """Signed webhooks of the last 30 days. Those that were refused are only counted."""

    list_display = ("webhook_id", "received", "provider", "state", "checkout_id", "tries", "error")
    list_filter = (("outcome", ChoicesDropdownFilter), ("received_at", DayRangeFilter))
    ordering = ("-received_at",)
    sortable_by = ()
    compressed_fields = False
    search_help_text = _("Begin of the webhook's id, or the id of a pay session at billing")
    fields = (
        ("webhook_id", "provider", "checkout_id"),
        ("outcome", "tries", "error"),
        ("received_at", "handled_at"),
        "headers",
        "text",
    )
    readonly_fields = ("text",)
    actions_detail = ("replay",)

    state = badge("outcome", OUTCOME, "Outcome")
    received = moment("received_at", "Received")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookReceipt]:
        """Bodies are for the page of one."""
        rows: QuerySet[WebhookReceipt] = super().get_queryset(request)
        return rows.defer("body", "headers")

    def find(self, rows: QuerySet[WebhookReceipt], word: str) -> QuerySet[WebhookReceipt]:
        return rows.filter(webhook_id__startswith=word) | rows.filter(checkout_id=word)

    def note(self) -> str:
        return counted_text(inbox.COUNTED)

    @display(description="Body")
    def text(self, receipt: WebhookReceipt) -> SafeString:
        shown = bytes(receipt.body).decode("utf-8", "replace")
        return format_html('<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', shown)

    @action(
        description=_("Handle again"),
        icon="replay",
        permissions=["replay"],
        dialog=ask(
            _("Handle this webhook once more?"),
            _("As if it came now. What it has settled it does not settle twice."),
            _("Handle again"),
        ),
    )
    def replay(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        page = record_page("orders_webhookreceipt", object_id)
        try:
            receipt = inbox.replay(receipt_id=int(object_id), actor=str(request.user), now=now())
        except DatabaseError as error:
            text = gettext("It failed again: %s") % error
            return decided(self, request, text, page=page, level=messages.ERROR)
        outcome = receipt.get_outcome_display()
        self.log_change(request, receipt, f"Handled again: {outcome}.")
        return decided(self, request, gettext("Handled again: %s.") % outcome, page=page)

    def has_replay_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is there still, and this person may."""
        may = request.user.has_perm("orders.replay_webhookreceipt")
        return may and is_there(WebhookReceipt.objects.all(), object_id)

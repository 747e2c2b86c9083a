"""What other services are told, and which."""

import base64
import secrets
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminURLInputWidget

from core.admin import DayRangeFilter, HistoryAdmin, KeySearch, RecordForm, ShopAdmin, as_uuid, moment
from orders.models import OutboxEvent, WebhookEndpoint


class UndeliveredFilter(DropdownFilter):
    """Events that no subscriber has confirmed yet."""

    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not delivered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(delivered_at=None) if self.value() == "waiting" else queryset


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

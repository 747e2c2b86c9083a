"""Who is told about orders, and what staff do with a subscriber."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminURLInputWidget,
)

from core.admin import (
    BAD,
    GOOD,
    WAITING,
    DialogForm,
    RecordForm,
    ShopAdmin,
    action,
    ask,
    decided,
    go_on,
    is_there,
    list_link,
    moment,
    record_page,
)
from core.clock import now
from core.errors import DomainError
from core.outward import check_url
from orders import outbox
from orders.models import WebhookDelivery, WebhookEndpoint
from orders.models_outbox import TOPICS

COPY_IT = _("Copy it to the subscriber now: it is not shown again.")


def checked(check: Callable[[str], None], text: str) -> str:
    """The text, unless the rules refuse it.

    Raises:
        ValidationError: why.
    """
    try:
        check(text)
    except DomainError as refusal:
        raise ValidationError(str(refusal.text)) from refusal
    return text


class WebhookEndpointForm(RecordForm):
    """A subscriber. Its secret is shown once, while it is made."""

    url = forms.URLField(max_length=500, assume_scheme="https", label=_("Address"), widget=UnfoldAdminURLInputWidget())
    topics = forms.MultipleChoiceField(
        choices=[(topic, topic) for topic in TOPICS], widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )

    def clean_url(self) -> str:
        return checked(check_url, self.cleaned_data["url"])

    def clean_secret(self) -> str:
        return checked(outbox.check_secret, self.cleaned_data["secret"])


class RotateForm(DialogForm):
    """The new secret, shown before it is taken."""

    secret = forms.CharField(
        max_length=100,
        initial=outbox.new_secret,
        label=_("New secret"),
        help_text=COPY_IT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_secret(self) -> str:
        return checked(outbox.check_secret, self.cleaned_data["secret"])


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ShopAdmin):
    """Who is told about orders."""

    form = WebhookEndpointForm
    list_display = ("url", "state", "topic_list", "created_by", "created")
    list_select_related = ("created_by",)
    list_filter = (("is_active", BooleanRadioFilter),)
    add_fieldsets = ((None, {"fields": ("url", "topics", "secret")}),)
    fieldsets = (
        (None, {"fields": ("url", "topics")}),
        (
            None,
            {
                "fields": (
                    ("state_text", "disabled_reason", "silent"),
                    ("secret_until", "created_by", "created"),
                    "deliveries",
                )
            },
        ),
    )
    readonly_fields = (
        "state_text",
        "disabled_reason",
        "silent",
        "secret_until",
        "created_by",
        "created",
        "deliveries",
    )
    compressed_fields = False
    silent = moment("silent_since", "Silent since")
    secret_until = moment("previous_secret_until", "Secret before signs until")
    created = moment("created_at", "Created")
    actions_detail = ("send_test", "rotate_secret", "pause", "enable")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "secret" in form.base_fields:
            form.base_fields["secret"].initial = outbox.new_secret
            form.base_fields["secret"].help_text = COPY_IT
        return form

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    @display(description="Topics")
    def topic_list(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.topics)

    @display(description="State", label={"active": GOOD, "silent": WAITING, "off": BAD})
    def state(self, endpoint: WebhookEndpoint) -> tuple[str, Any]:
        if not endpoint.is_active:
            return "off", gettext("told nothing")
        return ("silent", gettext("does not answer")) if endpoint.silent_since else ("active", gettext("active"))

    @display(description="State")
    def state_text(self, endpoint: WebhookEndpoint) -> str:
        return str(self.state(endpoint)[1])

    @display(description="Deliveries")
    def deliveries(self, endpoint: WebhookEndpoint) -> str:
        return list_link("orders_webhookdelivery", f"endpoint__id__exact={endpoint.pk}", gettext("All deliveries"))

    @action(
        description=_("Send a test event"),
        icon="send",
        permissions=["active"],
        dialog=ask(
            _("Send a test event?"), _("An event webhook.test goes to this subscriber alone."), _("Send a test event")
        ),
    )
    def send_test(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Goes on to the delivery, where what came of it can be seen."""
        try:
            delivery = outbox.send_test(endpoint_id=int(object_id), now=now())
        except outbox.NotActiveError as error:
            return self.done(request, object_id, str(error.text), messages.ERROR)
        self.log_change(request, delivery.endpoint, "Test event sent.")
        self.message_user(request, gettext("It goes out within seconds: look here for what comes of it."))
        return go_on(delivery_page(delivery))

    @action(
        description=_("Rotate secret"),
        icon="key",
        permissions=["touch"],
        dialog=ask(
            _("Sign with a new secret?"),
            _("For 24 hours events are signed with the secret before as well. Then that one is gone."),
            _("Rotate secret"),
            RotateForm,
        ),
    )
    def rotate_secret(self, request: HttpRequest, form: RotateForm, object_id: str) -> HttpResponse:
        secret = form.cleaned_data["secret"]
        endpoint = outbox.rotate_secret(endpoint_id=int(object_id), secret=secret, now=now())
        self.log_change(request, endpoint, "Secret rotated.")
        return self.done(request, object_id, gettext("Events are signed with the new secret."))

    @action(
        description=_("Pause"),
        icon="pause",
        variant=ActionVariant.WARNING,
        permissions=["active"],
        dialog=ask(
            _("Tell this subscriber nothing for now?"),
            _("What waits for it goes on waiting. New events pass it by; they can be sent again by hand."),
            _("Pause"),
        ),
    )
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        endpoint = outbox.pause(endpoint_id=int(object_id))
        self.log_change(request, endpoint, "Paused.")
        return self.done(request, object_id, gettext("This subscriber is told nothing."))

    @action(
        description=_("Enable again"),
        icon="play_arrow",
        permissions=["inactive"],
        dialog=ask(
            _("Tell this subscriber again?"),
            _("What waits for it goes out. What was dropped can be sent again by hand."),
            _("Enable again"),
        ),
    )
    def enable(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        endpoint = outbox.enable(endpoint_id=int(object_id))
        self.log_change(request, endpoint, "Enabled again.")
        return self.done(request, object_id, gettext("This subscriber is told again."))

    def done(self, request: HttpRequest, object_id: str, text: str, level: int = messages.SUCCESS) -> HttpResponse:
        """Back to the subscriber."""
        return decided(self, request, text, page=record_page("orders_webhookendpoint", object_id), level=level)

    def has_touch_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is there, and this person may change subscribers."""
        return self.may_do(request, object_id)

    def has_active_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The same, for one that is told."""
        return self.may_do(request, object_id, is_active=True)

    def has_inactive_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The same, for one that is not."""
        return self.may_do(request, object_id, is_active=False)

    def may_do(self, request: HttpRequest, object_id: str, **state: bool) -> bool:
        """Whether a subscriber of this state is there, and this person may change it."""
        may = request.user.has_perm("orders.change_webhookendpoint")
        return may and is_there(WebhookEndpoint.objects.filter(**state), object_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes with it is counted, not listed: it may be a hundred thousand deliveries."""
        endpoints = list(objs)
        deliveries = WebhookDelivery.objects.filter(endpoint__in=[endpoint.pk for endpoint in endpoints]).count()
        counted = {"subscribers": len(endpoints), "deliveries": deliveries}
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(endpoint) for endpoint in endpoints], counted, missing, []

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        outbox.forget_endpoint(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            outbox.forget_endpoint(endpoint)


def delivery_page(delivery: WebhookDelivery) -> str:
    """Where a delivery is shown."""
    return record_page("orders_webhookdelivery", delivery.pk)

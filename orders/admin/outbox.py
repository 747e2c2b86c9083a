"""What other services are told: the events, and how telling each subscriber went."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    HistoryInline,
    KeySearch,
    NotedList,
    action,
    as_uuid,
    ask,
    badge,
    derived,
    go_on,
    moment,
    record_link,
    record_page,
)
from core.clock import now
from orders import outbox
from orders.admin.finding import counted_text
from orders.models import OutboxEvent, WebhookDelivery, WebhookTry

DELIVERY = {"waiting": WAITING, "delivered": GOOD, "dead": BAD, "dropped": "default"}
AGAIN = ask(
    _("Send this once more?"),
    _("Subscribers know it by its id, which stays the same. It goes out within seconds."),
    _("Send again"),
)


def shortened(text: str) -> str:
    """The beginning of an error or an address, for lists."""
    return Truncator(text).chars(45) or NOTHING


class SendsAgain(HistoryAdmin):
    """Records that can be sent once more, one or many."""

    actions = ("send_selected",)
    actions_detail = ("send_again",)

    def queue(self, keys: list[Any]) -> int:
        """Queues these once more; how many deliveries."""
        raise NotImplementedError

    def key_of(self, object_id: str) -> Any:
        """The key in an address, or None."""
        raise NotImplementedError

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Runs on the list's own POST, for what was ticked there."""
        rows = list(queryset)
        queued = self.queue([row.pk for row in rows])
        for row in rows:
            self.log_change(request, row, "Sent again.")
        self.tell(request, queued)

    @action(description=_("Send again"), icon="replay", permissions=["replay"], dialog=AGAIN)
    def send_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        row = self.model._default_manager.get(pk=self.key_of(object_id))
        queued = self.queue([row.pk])
        self.log_change(request, row, "Sent again.")
        self.tell(request, queued)
        return go_on(record_page(f"{self.opts.app_label}_{self.opts.model_name}", object_id))

    def tell(self, request: HttpRequest, queued: int) -> None:
        """Says how many go out."""
        if queued:
            self.message_user(request, gettext("Deliveries that go out again: %s.") % queued, messages.SUCCESS)
        else:
            text = gettext("Nothing goes out: the subscriber is not active, or it is under way already.")
            self.message_user(request, text, messages.WARNING)

    def has_replay_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether it is there still, and this person may."""
        if not request.user.has_perm("orders.replay_webhookdelivery"):
            return False
        key = self.key_of(object_id) if object_id else None
        return not object_id or (key is not None and self.model._default_manager.filter(pk=key).exists())


class UnpublishedFilter(DropdownFilter):
    """Events that are not on their way yet."""

    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Not on its way"), ("unstreamed", "Not in the stream")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        waiting = {"waiting": {"published_at": None}, "unstreamed": {"streamed_at": None}}
        return queryset.filter(**waiting.get(self.value() or "", {}))


class DeliveryInline(HistoryInline):
    """Whom the event was sent to."""

    model = WebhookDelivery
    verbose_name_plural = "Deliveries"
    fields = ("subscriber", "state", "tries", "next_try", "settled", "error")
    readonly_fields = fields
    ordering = ("id",)

    state = derived("Status", lambda delivery: delivery.get_status_display())
    error = derived("Last error", lambda delivery: shortened(delivery.last_error))
    next_try = moment("next_try_at", "Next try")
    settled = moment("settled_at", "Settled")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("endpoint")

    @display(description="Subscriber")
    def subscriber(self, delivery: WebhookDelivery) -> SafeString:
        return record_link("orders_webhookdelivery", delivery.pk, delivery.endpoint.url)


@admin.register(OutboxEvent)
class OutboxEventAdmin(KeySearch, SendsAgain):
    """What other services were or will be told."""

    list_display = ("created", "topic_text", "number", "published", "streamed", "id")
    list_filter = (("topic", ChoicesDropdownFilter), UnpublishedFilter, ("created_at", DayRangeFilter))
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = _("Id of the event or of its order")
    fields = (("topic_text", "id"), ("created", "published", "streamed"), "payload")
    readonly_fields = ("topic_text", "created", "published", "streamed")
    compressed_fields = False
    inlines = (DeliveryInline,)

    created = moment("created_at", "Created")
    published = moment("published_at", "On its way")
    streamed = moment("streamed_at", "In the stream")
    topic_text = derived("Topic", lambda event: event.topic)
    number = derived("Order", lambda event: event.payload.get("number") or NOTHING)

    def find(self, rows: QuerySet[OutboxEvent], word: str) -> QuerySet[OutboxEvent]:
        key = as_uuid(word)
        return rows.filter(Q(pk=key) | Q(payload__orderId=str(key))) if key else rows.none()

    def key_of(self, object_id: str) -> Any:
        return as_uuid(object_id)

    def queue(self, keys: list[Any]) -> int:
        return outbox.send_events_again(event_ids=keys, now=now())


class TryInline(HistoryInline):
    """The log: each call with what came of it."""

    model = WebhookTry
    verbose_name_plural = "Tries"
    fields = ("when", "answered", "milliseconds", "text")
    readonly_fields = fields
    ordering = ("-id",)

    when = moment("at", "When")
    answered = derived("Answer", lambda attempt: f"HTTP {attempt.status}" if attempt.status else NOTHING)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(NotedList, KeySearch, SendsAgain):
    """Each event for each subscriber, with the log of its tries."""

    list_display = ("created", "topic", "told", "state", "tries", "next_try", "error")
    list_select_related = ("event", "endpoint")
    list_filter = (
        ("endpoint", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("created_at", DayRangeFilter),
    )
    ordering = ("-id",)
    sortable_by = ()
    search_help_text = _("Id of the event (webhook-id)")
    fields = (
        ("event_link", "webhook_id"),
        "subscriber",
        ("status", "tries", "failures"),
        ("created", "queued"),
        ("next_try", "settled"),
    )
    readonly_fields = ("event_link", "webhook_id", "subscriber", "created", "queued", "next_try", "settled")
    compressed_fields = False
    inlines = (TryInline,)

    created = moment("created_at", "Created")
    state = badge("status", DELIVERY, "Status")
    next_try = moment("next_try_at", "Next try")
    queued = moment("queued_at", "Queued")
    settled = moment("settled_at", "Settled")
    error = derived("Last error", lambda delivery: shortened(delivery.last_error))
    topic = derived("Topic", lambda delivery: delivery.event.topic)
    subscriber = derived("Subscriber", lambda delivery: delivery.endpoint.url)
    webhook_id = derived("webhook-id", lambda delivery: delivery.event_id)
    told = derived("Subscriber", lambda delivery: shortened(delivery.endpoint.url))

    def note(self) -> str:
        return counted_text(outbox.COUNTED)

    def find(self, rows: QuerySet[WebhookDelivery], word: str) -> QuerySet[WebhookDelivery]:
        key = as_uuid(word)
        return rows.filter(event_id=key) if key else rows.none()

    @display(description="Event")
    def event_link(self, delivery: WebhookDelivery) -> SafeString:
        return record_link("orders_outboxevent", delivery.event_id, delivery.event.topic)

    def key_of(self, object_id: str) -> Any:
        return int(object_id) if object_id.isdecimal() and len(object_id) < 19 else None

    def queue(self, keys: list[Any]) -> int:
        return outbox.send_again(delivery_ids=keys, now=now())

"""What others must be told, who they are, and how telling them went."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now

from core.ids import new_id


class OutboxEvent(models.Model):
    """What other services must hear, written in the transaction of the change.

    `published_at` is null until each subscriber has its delivery, `streamed_at` until the event is in the Redis stream:
    neither waits for the other.
    """

    class Topic(models.TextChoices):
        CREATED = "order.created"
        PAID = "order.paid"
        EXPIRED = "order.expired"
        FAILED = "order.failed"
        CANCELLED = "order.cancelled"
        REFUNDED = "order.refunded"
        PAYMENT_RETRY = "payment.retry"
        TEST = "webhook.test"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    topic = models.CharField(max_length=20, choices=Topic)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    streamed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["id"], condition=Q(published_at=None), name="outbox_unpublished"),
            models.Index(fields=["id"], condition=Q(streamed_at=None), name="outbox_unstreamed"),
            models.Index(fields=["created_at"], name="outbox_by_age"),
            models.Index(KeyTransform("orderId", "payload"), name="outbox_of_order"),
        ]

    def __str__(self) -> str:
        return self.topic


TOPICS = [topic for topic in OutboxEvent.Topic.values if topic != OutboxEvent.Topic.TEST]
"""Those that one can subscribe to."""


class WebhookEndpoint(models.Model):
    """A subscriber of outbox events. `silent_since` says since when it has answered nothing at all."""

    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100)
    previous_secret = models.CharField(max_length=100, blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    topics = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    silent_since = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "webhook subscriber"
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until=None)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="webhook_endpoint_previous_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(disabled_reason=""), name="webhook_endpoint_active_has_no_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.url

    def live_secrets(self, now: datetime) -> list[str]:
        """Those that sign: the newest, and for a day after a rotation the one before."""
        before = self.previous_secret_until is not None and now < self.previous_secret_until
        return [self.secret, self.previous_secret] if before else [self.secret]


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Reads of deliveries."""

    def dead(self) -> "WebhookDeliveryQuerySet":
        """Those that were given up."""
        return self.filter(status=WebhookDelivery.Status.DEAD)


class WebhookDelivery(models.Model):
    """One event for one subscriber. `next_try_at` is null once it is settled.

    `tries` counts all that were begun, `failures` those that failed since it was queued: they decide the next pause.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        DEAD = "dead"
        DROPPED = "dropped"

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(help_text="When it was written, or last asked for again.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0, db_default=0)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    settled_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="", db_default="")

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        permissions = [("replay_webhookdelivery", "Can send events to subscribers once more")]
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_once_a_subscriber"),
            models.CheckConstraint(
                condition=Q(status="waiting", next_try_at__isnull=False, settled_at=None)
                | (~Q(status="waiting") & Q(next_try_at=None, settled_at__isnull=False)),
                name="webhook_delivery_waiting_has_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_try_at", "id"],
                condition=Q(next_try_at__isnull=False),
                name="webhook_delivery_due",
            ),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_of_endpoint"),
            models.Index(fields=["id"], condition=Q(status="dead"), name="webhook_delivery_dead"),
            models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.status}"


class WebhookTry(models.Model):
    """One call of a subscriber: the log of a delivery. `status` is null when nothing was answered."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    text = models.TextField(blank=True, help_text="The error, or the first 500 characters of the answer.")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "webhook tries"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}: {self.status or self.text}"

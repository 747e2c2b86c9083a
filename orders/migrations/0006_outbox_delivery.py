from django.db import migrations, models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now

TOPICS = [
    ("order.created", "Created"),
    ("order.paid", "Paid"),
    ("order.expired", "Expired"),
    ("order.failed", "Failed"),
    ("order.cancelled", "Cancelled"),
    ("order.refunded", "Refunded"),
    ("payment.retry", "Payment Retry"),
    ("webhook.test", "Test"),
]
STATUSES = [("waiting", "Waiting"), ("delivered", "Delivered"), ("dead", "Dead"), ("dropped", "Dropped")]


class Migration(migrations.Migration):
    """Events are delivered: to a stream, and to subscribers with a delivery for each and a log of its tries."""

    dependencies = [("orders", "0005_webhook_inbox")]

    operations = [
        migrations.RemoveIndex("outboxevent", "outbox_undelivered"),
        migrations.RenameField("outboxevent", "delivered_at", "published_at"),
        migrations.RemoveField("outboxevent", "attempts"),
        migrations.AddField("outboxevent", "streamed_at", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField("outboxevent", "topic", models.CharField(choices=TOPICS, max_length=20)),
        migrations.AddIndex(
            "outboxevent", models.Index(condition=Q(published_at=None), fields=["id"], name="outbox_unpublished")
        ),
        migrations.AddIndex(
            "outboxevent", models.Index(condition=Q(streamed_at=None), fields=["id"], name="outbox_unstreamed")
        ),
        migrations.AddIndex("outboxevent", models.Index(fields=["created_at"], name="outbox_by_age")),
        migrations.AddIndex("outboxevent", models.Index(KeyTransform("orderId", "payload"), name="outbox_of_order")),
        migrations.AlterModelOptions("webhookendpoint", {"verbose_name": "webhook subscriber"}),
        migrations.AddField(
            "webhookendpoint", "previous_secret", models.CharField(blank=True, default="", max_length=100)
        ),
        migrations.AddField("webhookendpoint", "previous_secret_until", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "webhookendpoint", "disabled_reason", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddField("webhookendpoint", "silent_since", models.DateTimeField(blank=True, null=True)),
        migrations.AddConstraint(
            "webhookendpoint",
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until=None)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="webhook_endpoint_previous_secret_ends",
            ),
        ),
        migrations.AddConstraint(
            "webhookendpoint",
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(disabled_reason=""), name="webhook_endpoint_active_has_no_reason"
            ),
        ),
        migrations.CreateModel(
            "WebhookDelivery",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("status", models.CharField(choices=STATUSES, default="waiting", max_length=9)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("queued_at", models.DateTimeField(help_text="When it was written, or last asked for again.")),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveIntegerField(db_default=0, default=0)),
                ("failures", models.PositiveIntegerField(db_default=0, default=0)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, db_default="", default="", max_length=300)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="deliveries", to="orders.webhookendpoint"
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="deliveries", to="orders.outboxevent"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "verbose_name_plural": "webhook deliveries",
                "permissions": [("replay_webhookdelivery", "Can send events to subscribers once more")],
                "indexes": [
                    models.Index(
                        condition=Q(next_try_at__isnull=False),
                        fields=["endpoint", "next_try_at", "id"],
                        name="webhook_delivery_due",
                    ),
                    models.Index(fields=["endpoint", "-id"], name="webhook_delivery_of_endpoint"),
                    models.Index(condition=Q(status="dead"), fields=["id"], name="webhook_delivery_dead"),
                    models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["event", "endpoint"], name="webhook_delivery_once_a_subscriber"
                    ),
                    models.CheckConstraint(
                        condition=Q(status="waiting", next_try_at__isnull=False, settled_at=None)
                        | (~Q(status="waiting") & Q(next_try_at=None, settled_at__isnull=False)),
                        name="webhook_delivery_waiting_has_its_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "WebhookTry",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("milliseconds", models.PositiveIntegerField()),
                (
                    "text",
                    models.TextField(blank=True, help_text="The error, or the first 500 characters of the answer."),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="log", to="orders.webhookdelivery"
                    ),
                ),
            ],
            options={"ordering": ["id"], "verbose_name_plural": "webhook tries", "default_permissions": ("view",)},
        ),
    ]

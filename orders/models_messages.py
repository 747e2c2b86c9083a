"""What payment providers told the shop."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class WebhookReceiptQuerySet(models.QuerySet["WebhookReceipt"]):
    """Reads of the inbox."""

    def received_before(self, moment: datetime) -> "WebhookReceiptQuerySet":
        """Those that came earlier."""
        return self.filter(received_at__lt=moment)


class WebhookReceipt(models.Model):
    """A signed webhook as it came, and what became of it. The same id again changes nothing."""

    class Outcome(models.TextChoices):
        RECEIVED = "received", "not handled yet"
        SETTLED = "settled", "settled a payment"
        NO_CHANGE = "no_change", "no news"
        UNMATCHED = "unmatched", "waits for its payment attempt"
        UNREADABLE = "unreadable", "not a report as agreed"
        CONTRADICTS = "contradicts", "about another order"
        FAILED = "failed", "failed here"

    provider = models.CharField(max_length=20, default="billing", help_text="Who signed it.")
    webhook_id = models.CharField(max_length=100)
    checkout_id = models.CharField(max_length=100, blank=True, help_text="The pay session that it is about.")
    headers = models.JSONField(default=dict, help_text="Those that were signed, and the signature.")
    body = models.BinaryField(default=b"", help_text="As it came.")
    received_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.RECEIVED)
    error = models.CharField(max_length=300, blank=True)

    objects = WebhookReceiptQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        permissions = [("replay_webhookreceipt", "Can handle a webhook once more")]
        constraints = [
            models.UniqueConstraint(fields=["provider", "webhook_id"], name="webhook_once_a_provider"),
        ]
        indexes = [
            models.Index(fields=["-received_at"], name="webhook_receipt_newest"),
            models.Index(fields=["checkout_id"], name="webhook_receipt_of_attempt"),
            models.Index(
                fields=["received_at"],
                condition=Q(outcome__in=["received", "unmatched"]),
                name="webhook_receipt_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.webhook_id

"""Pay sessions, their refunds, and the switches that make the service behave badly."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

LONGEST_LATENCY_MS = 30_000


class PaySession(models.Model):
    """One payment somebody is asked for. Only `billing_sandbox.services` changes its status.

    The id is the secret of the pay page's address, so it is random and does not tell when it was made.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        SUCCESS = "success"
        FAILURE = "failure"
        TIMEOUT = "timeout"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text="This service's own number.")
    reference = models.CharField(max_length=200, help_text="The merchant's name for what is paid.")
    amount = models.CharField(max_length=20, help_text="A decimal string, exactly as the merchant gave it.")
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=500, blank=True)
    return_url = models.CharField(max_length=2048)
    status = models.CharField(max_length=7, choices=Status, default=Status.OPEN)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True, unique=True)
    request_digest = models.CharField(max_length=64, help_text="SHA-256 of the request that opened it.")
    webhook_sent_at = models.DateTimeField(null=True, blank=True)
    webhook_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open", settled_at=None) | ~Q(status="open") & Q(settled_at__isnull=False),
                name="pay_session_settled_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status="success", paid_at__isnull=False) | ~Q(status="success") & Q(paid_at=None),
                name="pay_session_paid_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="pay_session_newest")]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.currency}, {self.status}"

    @property
    def is_open(self) -> bool:
        """Waiting for the payer. Its time may have passed without anybody looking."""
        return self.status == self.Status.OPEN

    @property
    def was_cancelled(self) -> bool:
        """Closed by the merchant before its time."""
        return self.status == self.Status.TIMEOUT and self.settled_at is not None and self.settled_at < self.expires_at

    def is_due(self, now: datetime) -> bool:
        """Open, but its time has passed."""
        return self.is_open and self.expires_at <= now

    def remaining(self, now: datetime) -> timedelta:
        """Time left to pay; zero once settled or past."""
        return max(self.expires_at - now, timedelta(0)) if self.is_open else timedelta(0)

    def refunded(self) -> Decimal:
        """What has been given back so far. One query."""
        return sum((Decimal(refund.amount) for refund in self.refunds.all()), Decimal(0))


class Refund(models.Model):
    """Money given back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(PaySession, on_delete=models.CASCADE, related_name="refunds")
    amount = models.CharField(max_length=20, help_text="A decimal string, exactly as the merchant gave it.")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null is "no key"
    request_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["session", "idempotency_key"], name="one_refund_a_key")]

    def __str__(self) -> str:
        return f"{self.amount} of {self.session_id}"


class Switches(models.Model):
    """How well the service behaves: one row, read by every web process at each call."""

    class Webhooks(models.TextChoices):
        SEND = "send", "send them"
        DROP = "drop", "drop them (the shop must find out by asking)"

    id = models.PositiveSmallIntegerField(primary_key=True, editable=False)
    webhooks = models.CharField(max_length=4, choices=Webhooks, default=Webhooks.SEND)
    latency_ms = models.PositiveIntegerField(
        "latency (ms)",
        default=0,
        validators=[MaxValueValidator(LONGEST_LATENCY_MS)],
        help_text="Every call of the API waits this long before anything happens.",
    )
    error_percent = models.PositiveSmallIntegerField(
        "error rate (%)",
        default=0,
        validators=[MaxValueValidator(100)],
        help_text="So many calls of a hundred answer 503, with nothing done.",
    )
    silent = models.BooleanField(
        default=False,
        help_text="Calls are carried out, but the answer comes only after the shop has stopped waiting.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_row_of_switches"),
            models.CheckConstraint(condition=Q(error_percent__lte=100), name="error_rate_is_a_percentage"),
            models.CheckConstraint(condition=Q(latency_ms__lte=LONGEST_LATENCY_MS), name="latency_has_an_end"),
        ]

    def __str__(self) -> str:
        return f"webhooks {self.webhooks}, {self.latency_ms} ms, {self.error_percent} % errors"

    @classmethod
    def current(cls) -> "Switches":
        """The row, or a well-behaved one that is not saved where nobody has touched a switch yet."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

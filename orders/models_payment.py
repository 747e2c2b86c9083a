"""How an order is paid: its payment window, the attempts, and money that goes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id
from core.money import MoneyField
from orders.models_rules import known


class OrderSessionQuerySet(models.QuerySet["OrderSession"]):
    """Reads of payment windows."""

    def due(self, now: datetime) -> OrderSessionQuerySet:
        """Active windows that have passed."""
        return self.filter(status=OrderSession.Status.ACTIVE, expires_at__lte=now)


class OrderSession(models.Model):
    """The payment window of one order. The window is decided by `expires_at`, not by when a job ran."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        EXPIRED = "expired"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.OneToOneField("orders.Order", on_delete=models.CASCADE, related_name="session")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    duration_minutes = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    payment_attempts = models.PositiveIntegerField(default=0)
    max_payment_attempts = models.PositiveIntegerField()
    last_payment_attempt_at = models.DateTimeField(null=True, blank=True)
    reminder_sent_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    objects = OrderSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(payment_attempts__lte=F("max_payment_attempts")),
                name="order_session_attempts_within_limit",
            ),
            known("order_session_status_is_known", "status", "active expired completed cancelled"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("started_at")), name="order_session_ends_after_its_beginning"
            ),
        ]
        indexes = [models.Index(fields=["status", "expires_at"], name="order_session_due")]

    def __str__(self) -> str:
        return f"{self.status} until {self.expires_at:%H:%M}"

    @property
    def remaining_attempts(self) -> int:
        """Attempts that may still be opened."""
        return self.max_payment_attempts - self.payment_attempts

    def remaining(self, now: datetime) -> timedelta:
        """Time left; zero once the window has passed or the session is no longer active."""
        if self.status != self.Status.ACTIVE:
            return timedelta(0)
        return max(self.expires_at - now, timedelta(0))


class PaymentAttemptQuerySet(models.QuerySet["PaymentAttempt"]):
    """Reads of payment attempts."""

    def watched(self) -> PaymentAttemptQuerySet:
        """Attempts that billing is still asked about."""
        return self.filter(next_poll_at__isnull=False)

    def undecided(self) -> PaymentAttemptQuerySet:
        """Money that came and neither counts as its order's payment nor goes back."""
        going_back = Refund.objects.filter(attempt=models.OuterRef("pk"), was_sale=False)
        going_back = going_back.exclude(status=Refund.Status.FAILED)
        came = self.filter(status=PaymentAttempt.Status.SUCCESS, counted_at=None, paid_amount__gt=0)
        return came.exclude(models.Exists(going_back))


class PaymentAttempt(models.Model):
    """One pay session at a payment provider. `next_poll_at` is null once it need not be asked about any more."""

    class Status(models.TextChoices):
        OPEN = "open"
        SUCCESS = "success"
        FAILURE = "failure"
        TIMEOUT = "timeout"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order_session = models.ForeignKey(OrderSession, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    provider = models.CharField(
        max_length=20, default="billing", db_default="billing", help_text="Who opened it, and is asked about it."
    )
    billing_checkout_id = models.CharField(max_length=100, unique=True)
    billing_order_id = models.CharField(max_length=100, blank=True)
    payment_url = models.CharField(max_length=2048)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    poll_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0, help_text="404 answers in a row.")
    error_count = models.PositiveIntegerField(default=0, help_text="Failed polls in a row; decides the backoff.")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When expiry last asked in vain; in the future while it is asking."
    )
    last_error = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    paid_amount = MoneyField(null=True, blank=True, help_text="What billing says it took.")  # type: ignore[misc] # or not
    paid_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    counted_at = models.DateTimeField(null=True, blank=True, help_text="When its money became the order's payment.")

    objects = PaymentAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["opened_at"]
        permissions = [("check_paymentattempt", "Can ask billing about open payments")]
        constraints = [
            models.UniqueConstraint(fields=["order_session", "number"], name="payment_attempts_are_numbered"),
            models.UniqueConstraint(
                fields=["order_session"], condition=Q(status="open"), name="one_open_payment_attempt_an_order"
            ),
            models.UniqueConstraint(
                fields=["order_session"], condition=Q(counted_at__isnull=False), name="one_payment_counts_an_order"
            ),
            known("payment_attempt_status_is_known", "status", "open success failure timeout"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_attempt_of_something"),
            models.CheckConstraint(
                condition=Q(status="open", resolved_at=None) | (~Q(status="open") & Q(resolved_at__isnull=False)),
                name="payment_attempt_over_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(counted_at=None) | Q(status="success", paid_amount__isnull=False, paid_amount__gt=0),
                name="payment_attempt_counts_if_money_came",
            ),
            models.CheckConstraint(
                condition=Q(paid_amount=None) | Q(status="success", paid_amount__gte=0),
                name="payment_attempt_took_money_if_success",
            ),
        ]
        indexes = [
            models.Index(fields=["next_poll_at"], condition=Q(next_poll_at__isnull=False), name="payment_attempt_due")
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.status}"


class RefundQuerySet(models.QuerySet["Refund"]):
    """Reads of refunds."""

    def of(self, order_id: UUID) -> RefundQuerySet:
        """What goes or went back of an order."""
        return self.filter(Q(attempt__order_session__order=order_id) | Q(order=order_id))


class Refund(models.Model):
    """Money on its way back. Requested in the transaction that decides it, sent to billing by a job afterwards. Failed
    where billing went on refusing it: then staff decide again.

    Imported ones went back elsewhere: they have no attempt, and no order where it is not known of which sale they are.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    attempt = models.ForeignKey(PaymentAttempt, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey(
        "orders.Order",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="imported_refunds",
        help_text="Of an imported refund alone; others are of their attempt's.",
    )
    credit_note = models.CharField(
        max_length=42, blank=True, default="", db_default="", help_text="The number of an imported refund."
    )
    amount = MoneyField()
    reason = models.CharField(max_length=200)
    was_sale = models.BooleanField(default=True, help_text="False for money that never counted: paid late, or twice.")
    pieces = models.JSONField(default=dict, db_default={}, blank=True, help_text="What it is for: line to pieces.")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0, db_default=0, help_text="Times in a row that billing refused it.")
    last_error = models.CharField(max_length=300, blank=True)
    requested_at = models.DateTimeField(db_default=Now())
    made_at = models.DateTimeField(null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_of_something"),
            models.UniqueConstraint(
                fields=["attempt"],
                condition=Q(was_sale=False) & ~Q(status="failed"),
                name="money_that_never_counted_goes_back_once",
            ),
            known("refund_status_is_known", "status", "requested done failed"),
            models.CheckConstraint(
                condition=Q(status="done", made_at__isnull=False) | (~Q(status="done") & Q(made_at=None)),
                name="refund_made_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="requested") | Q(next_try_at__isnull=False), name="refund_requested_is_tried"
            ),
            models.CheckConstraint(
                condition=(Q(attempt__isnull=False, order=None, credit_note=""))
                | (Q(attempt=None, status="done", was_sale=True) & ~Q(credit_note="")),
                name="refund_is_of_an_attempt_or_imported",
            ),
            models.UniqueConstraint(
                fields=["credit_note"], condition=~Q(credit_note=""), name="credit_note_is_imported_once"
            ),
        ]
        indexes = [models.Index(fields=["made_at"], name="refund_by_day")]

    def __str__(self) -> str:
        return f"{self.amount} {self.status}"

    @property
    def of_attempt(self) -> PaymentAttempt:
        """The attempt whose money it is.

        Raises:
            PaymentAttempt.DoesNotExist: it was imported.
        """
        if self.attempt is None:
            raise PaymentAttempt.DoesNotExist
        return self.attempt

    @property
    def currency(self) -> str:
        """What goes back is what came."""
        if self.attempt is not None:
            return self.attempt.paid_currency or self.attempt.currency
        return self.order.currency if self.order else settings.SHOP_CURRENCY

"""Orders, their payment windows and attempts, and what other services must hear."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id
from core.money import ZERO, MoneyField
from orders.models_messages import WebhookReceipt
from orders.models_outbox import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookTry
from orders.models_windows import WindowRule

__all__ = [
    "Order",
    "OrderComment",
    "OrderItem",
    "OrderSession",
    "OrderStatusChange",
    "OutboxEvent",
    "PaymentAttempt",
    "Refund",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookReceipt",
    "WebhookTry",
    "WindowRule",
]


CLOSED = ("failed", "expired", "cancelled")
"""What an order is that nobody can pay any more, but for money that comes late."""


def known(name: str, column: str, words: str) -> models.CheckConstraint:
    """The column holds one of these words and nothing else. (A `Meta` does not see the choices beside it.)"""
    return models.CheckConstraint(condition=Q(**{f"{column}__in": words.split()}), name=name)


def not_negative(name: str, *columns: str) -> models.CheckConstraint:
    """None of these amounts is less than nothing."""
    return models.CheckConstraint(condition=Q(**{f"{column}__gte": 0 for column in columns}), name=name)


class OrderQuerySet(models.QuerySet["Order"]):
    """Reads of orders."""

    def pending(self) -> "OrderQuerySet":
        """Placed and neither paid nor closed."""
        return self.filter(status=Order.Status.PENDING)

    def paid(self) -> "OrderQuerySet":
        """Orders whose money came."""
        return self.filter(status=Order.Status.SUCCESS)

    def needing_attention(self) -> "OrderQuerySet":
        """Orders that somebody must look at."""
        return self.exclude(needs_attention="")


class Order(models.Model):
    """What was bought, at the prices of that moment. Only `orders.services` changes its status."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCESS = "success"
        FAILED = "failed"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    class Fulfillment(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELED = "canceled"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(max_length=40, unique=True)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="orders")
    visitor_session = models.ForeignKey(
        "sessions_app.VisitorSession", null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    checkout_id = models.UUIDField(null=True, blank=True, help_text="The id alone: checkout stands above.")
    first_touch = models.JSONField(default=dict, blank=True)
    last_touch = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    fulfillment_status = models.CharField(max_length=10, choices=Fulfillment, default=Fulfillment.PENDING)
    subtotal = MoneyField()
    discount_amount = MoneyField(default=ZERO)
    shipping_amount = MoneyField(default=ZERO)
    tax_amount = MoneyField(default=ZERO)
    total = MoneyField()
    refunded_amount = MoneyField(default=ZERO)
    currency = models.CharField(max_length=3)
    coupon_code = models.CharField(max_length=40, blank=True)
    shipping_address = models.JSONField()
    billing_address = models.JSONField()
    shipping_method = models.CharField(max_length=100, blank=True)
    tax_lines = models.JSONField(default=list, blank=True)
    email = models.EmailField("e-mail")
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="en")
    access_token_hash = models.CharField(max_length=64)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    needs_attention = models.CharField(max_length=200, blank=True, help_text="Why somebody must look at this order.")
    carrier = models.CharField(max_length=60, blank=True, default="", db_default="")
    tracking_number = models.CharField(max_length=100, blank=True, default="", db_default="")
    tracking_url = models.CharField("tracking page", max_length=500, blank=True, default="", db_default="")

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        permissions = [
            ("resolve_order", "Can decide about money that needs attention"),
            ("fulfil_order", "Can say how far an order is on its way"),
            ("refund_order", "Can send back money of a paid order"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["checkout_id"], name="one_order_a_checkout"),
            known("order_status_is_known", "status", "pending success failed expired cancelled"),
            known("order_fulfilment_is_known", "fulfillment_status", "pending processing shipped delivered canceled"),
            not_negative("order_parts_not_negative", "subtotal", "discount_amount", "shipping_amount", "tax_amount"),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") - F("discount_amount") + F("shipping_amount") + F("tax_amount"))
                | Q(total=F("subtotal") - F("discount_amount") + F("shipping_amount")),
                name="order_total_is_the_sum_of_its_parts",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("total")),
                name="order_refund_within_total",
            ),
            models.CheckConstraint(
                condition=Q(status="success", paid_at__isnull=False) | (~Q(status="success") & Q(paid_at=None)),
                name="order_paid_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=CLOSED, closed_at__isnull=False) | (~Q(status__in=CLOSED) & Q(closed_at=None)),
                name="order_closed_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-placed_at"], name="order_newest"),
            models.Index(fields=["status", "-placed_at"], name="order_by_status"),
            models.Index(fields=["fulfillment_status", "-placed_at"], name="order_by_fulfilment"),
            models.Index(fields=["paid_at"], condition=Q(paid_at__isnull=False), name="order_by_paid_at"),
            models.Index(fields=["visitor_session", "-placed_at"], name="order_of_session"),
            models.Index(fields=["customer", "-placed_at"], name="order_of_customer"),
            models.Index(fields=["-placed_at"], condition=~Q(needs_attention=""), name="order_needing_attention"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderItem(models.Model):
    """A line as it was when ordered."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey("catalog.Product", null=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=200)
    sku = models.CharField(max_length=64)
    image = models.CharField(max_length=500, blank=True)
    unit_price = MoneyField()
    quantity = models.PositiveIntegerField()
    line_total = MoneyField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_item_of_one_at_least"),
            not_negative("order_item_not_negative", "unit_price", "line_total"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"


class OrderStatusChange(models.Model):
    """One change of an order, by whom and why. No change goes without. PostgreSQL refuses to change or delete a row;
    only its reason may be emptied, for those who are erased.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="history")
    field = models.CharField(max_length=20, default="status")
    old = models.CharField(max_length=40, blank=True)
    new = models.CharField(max_length=40)
    actor = models.CharField(max_length=120, help_text="customer, a staff member's e-mail, or the job.")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.field}: {self.old} → {self.new}"


class OrderComment(models.Model):
    """What staff note about an order, for each other. Append-only; erased with the customer."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField(max_length=2000)
    actor = models.CharField(max_length=120, help_text="The e-mail of whoever wrote it.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        default_permissions = ("view", "add")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="order_comment_says_something")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.text[:40]}"


class OrderSessionQuerySet(models.QuerySet["OrderSession"]):
    """Reads of payment windows."""

    def due(self, now: datetime) -> "OrderSessionQuerySet":
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
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="session")
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

    def watched(self) -> "PaymentAttemptQuerySet":
        """Attempts that billing is still asked about."""
        return self.filter(next_poll_at__isnull=False)

    def undecided(self) -> "PaymentAttemptQuerySet":
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

    def of(self, order: Order) -> "RefundQuerySet":
        """What goes or went back of an order."""
        return self.filter(Q(attempt__order_session__order=order) | Q(order=order))


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
        Order,
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

    @property
    def of_order(self) -> Order | None:
        """The order whose money it is; None for an imported one of an unknown sale."""
        return self.attempt.order_session.order if self.attempt else self.order

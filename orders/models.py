"""Orders, and all the tables around them by one name."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id
from core.money import ZERO, MoneyField
from orders.models_messages import WebhookReceipt
from orders.models_outbox import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookTry
from orders.models_payment import OrderSession, PaymentAttempt, Refund
from orders.models_rules import known, not_negative
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
        indexes = [models.Index(fields=["created_at"], name="order_change_by_time")]

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

"""A shopper's checkout, and the tables that price it."""

from uuid import UUID

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower, Now

from checkout.models_reminders import ReminderAddress
from core.ids import new_id
from core.money import MoneyField
from customers.emails import WithEmail
from customers.models import Customer
from orders.models import Order

__all__ = [
    "AbandonedCheckout",
    "CheckoutSession",
    "Coupon",
    "CouponUse",
    "IdempotencyKey",
    "PriceTablesVersion",
    "ReminderAddress",
    "ShippingMethod",
    "ShippingZone",
    "TaxRate",
]


class ShippingZone(models.Model):
    """Countries that ship alike."""

    name = models.CharField(max_length=100, unique=True)
    countries = models.JSONField(help_text='ISO 3166 codes, such as ["GB", "IE"]; ["*"] is everywhere else.')

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ShippingMethod(models.Model):
    """One way to ship to a zone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="methods")
    name = models.CharField(max_length=100)
    price = MoneyField()
    free_over = MoneyField(  # type: ignore[misc] # the one amount that may be missing
        null=True, blank=True, help_text="Free from this subtotal (after discount) on."
    )
    min_days = models.PositiveIntegerField()
    max_days = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["price", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="shipping_price_not_negative"),
            models.CheckConstraint(condition=Q(max_days__gte=F("min_days")), name="shipping_days_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRate(models.Model):
    """A tax of a country, or of one of its regions (which then counts instead of the country's)."""

    country = models.CharField(max_length=2, help_text="ISO 3166; * is everywhere else.")
    region = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=60)
    rate = models.DecimalField(max_digits=7, decimal_places=4, help_text="Percent.")
    applies_to_shipping = models.BooleanField(default=True)

    class Meta:
        ordering = ["country", "region"]
        constraints = [
            models.UniqueConstraint(F("country"), Lower("region"), F("name"), name="tax_rate_named_once_a_place"),
            models.CheckConstraint(condition=Q(rate__gte=0, rate__lte=100), name="tax_rate_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rate.normalize():f} %"


class Coupon(models.Model):
    """A discount by code. A use is taken when the order is placed, and given back when it closes unpaid."""

    class Kind(models.TextChoices):
        PERCENT = "percent"
        FIXED = "fixed"
        FREE_SHIPPING = "free_shipping"

    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=14, choices=Kind)
    value = MoneyField(default=0, help_text="Percent, or an amount in the shop's currency.")
    minimum_subtotal = MoneyField(default=0)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    max_uses_per_customer = models.PositiveIntegerField(null=True, blank=True)
    used_count = models.PositiveIntegerField(default=0, editable=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(Lower("code"), name="coupon_code_unique_in_any_case"),
            models.CheckConstraint(condition=Q(value__gte=0), name="coupon_value_not_negative"),
            models.CheckConstraint(condition=~Q(kind="percent") | Q(value__lte=100), name="coupon_percent_within_100"),
            models.CheckConstraint(
                condition=Q(max_uses=None) | Q(used_count__lte=F("max_uses")),
                name="coupon_used_within_its_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PriceTablesVersion(models.Model):
    """Another one with each change of the tables that price a checkout; PostgreSQL sees to it (migration 0004)."""

    version = models.UUIDField()

    def __str__(self) -> str:
        return str(self.version)


class CheckoutQuerySet(WithEmail["CheckoutSession"]):
    """Reads of checkouts."""

    def open(self) -> "CheckoutQuerySet":
        """Those that can still become an order."""
        return self.filter(status=CheckoutSession.Status.OPEN, order=None)

    def lapsed(self) -> "CheckoutQuerySet":
        """Abandoned: left for too long, or with an order that nobody paid."""
        return self.filter(lapsed_at__isnull=False)

    def to(self, address: str) -> "CheckoutQuerySet":
        """Those of an address in any case. Its index has those with an address alone."""
        return self.exclude(email="").with_email(address)

    def not_bought_since(self) -> "CheckoutQuerySet":
        """Those whose shopper has placed no order since they were begun that is paid or waits for its money: known by
        visit, customer or address, or by the checkout that this one was restored as.
        """
        later = Order.objects.filter(
            status__in=(Order.Status.PENDING, Order.Status.SUCCESS), placed_at__gte=OuterRef("created_at")
        )
        customers = Customer.objects.alias(email_lower=Lower("email")).order_by()
        by_address = customers.filter(email_lower=Lower(OuterRef(OuterRef("email"))))
        restored = CheckoutSession.objects.filter(recovers=OuterRef(OuterRef("pk"))).order_by()
        return self.exclude(
            Exists(later.filter(visitor_session=OuterRef("visitor_session")))
            | Exists(later.filter(customer=OuterRef("customer")))
            | Exists(later.filter(customer__in=by_address))
            | Exists(later.filter(checkout__in=restored))
        )


class CheckoutSession(models.Model):
    """A shopper's checkout: lives 30 minutes after its last change. Only `checkout.services` changes it.

    One that staff made for somebody on the phone has no visit, and nobody may touch it over HTTP.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        SUCCESS = "success"
        FAILURE = "failure"
        TIMEOUT = "timeout"

    class Reminder(models.TextChoices):
        NONE = "", "not asked for"
        ASKED = "asked", "asked for"
        SENT = "sent", "reminded"
        DROPPED = "dropped", "not needed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    visitor_session = models.ForeignKey(
        "sessions_app.VisitorSession", null=True, on_delete=models.SET_NULL, related_name="checkouts"
    )
    customer = models.ForeignKey("customers.Customer", null=True, blank=True, on_delete=models.SET_NULL)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    items = models.JSONField(help_text="Lines as of the last calculation.")
    email = models.EmailField("e-mail", blank=True)
    shipping_address = models.JSONField(null=True, blank=True)
    billing_address = models.JSONField(null=True, blank=True)
    shipping_method = models.ForeignKey(ShippingMethod, null=True, blank=True, on_delete=models.SET_NULL)
    coupon = models.ForeignKey(Coupon, null=True, blank=True, on_delete=models.SET_NULL)
    summary = models.JSONField()
    order = models.OneToOneField(
        "orders.Order", null=True, blank=True, on_delete=models.SET_NULL, related_name="checkout"
    )
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField()
    lapsed_at = models.DateTimeField(
        "abandoned", null=True, blank=True, help_text="When it ended without being bought, and nobody had cancelled it."
    )
    reminder = models.CharField(max_length=7, choices=Reminder, default=Reminder.NONE, blank=True)
    reminder_asked_at = models.DateTimeField(null=True, blank=True, help_text="When the shopper asked to be reminded.")
    reminded_at = models.DateTimeField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True, default="", help_text="Of the reminder.")
    recovers = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="recoveries", db_index=False,
        help_text="The abandoned checkout that it was restored from.",
    )  # fmt: skip
    recovered_at = models.DateTimeField("recovered", null=True, blank=True)
    recovered_order = models.ForeignKey(
        "orders.Order", null=True, blank=True, on_delete=models.SET_NULL, related_name="recovered", db_index=False
    )
    recovered_total = MoneyField(null=True, blank=True)  # type: ignore[misc] # of those that came back

    objects = CheckoutQuerySet.as_manager()

    # What `open_checkout` reads beside the row.
    tables_version: UUID | None = None
    window_rules: str | None = None

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lapsed_at=None) | Q(status__in=["timeout", "failure"]), name="checkout_lapsed_is_closed"
            ),
            models.CheckConstraint(
                condition=Q(reminder="") | (Q(reminder_asked_at__isnull=False) & ~Q(email="")),
                name="checkout_reminder_was_asked_for",
            ),
            models.CheckConstraint(
                condition=Q(recovered_at=None, recovered_total=None)
                | Q(recovered_at__isnull=False, recovered_total__isnull=False),
                name="checkout_recovered_has_its_total",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "expires_at"], name="checkout_due"),
            models.Index(fields=["-created_at"], name="checkout_newest"),
            # These are of few rows each: most checkouts are bought, and nobody restores them.
            models.Index(fields=["-lapsed_at"], condition=Q(lapsed_at__isnull=False), name="checkout_lapsed"),
            models.Index(
                fields=["reminder", "-lapsed_at"], condition=Q(lapsed_at__isnull=False), name="checkout_by_reminder"
            ),
            models.Index(fields=["-reminded_at"], condition=Q(reminded_at__isnull=False), name="checkout_reminded"),
            models.Index(fields=["-recovered_at"], condition=Q(recovered_at__isnull=False), name="checkout_recovered"),
            models.Index(fields=["recovers"], condition=Q(recovers__isnull=False), name="checkout_recovers"),
            models.Index(
                fields=["recovered_order"], condition=Q(recovered_order__isnull=False), name="checkout_recovered_by"
            ),
            models.Index(
                OpClass(Lower("email"), name="text_pattern_ops"), condition=~Q(email=""), name="checkout_of_email"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} checkout"


class AbandonedCheckout(CheckoutSession):
    """A checkout that lapsed, as staff see it."""

    class Meta:
        verbose_name = "abandoned checkout"
        proxy = True
        ordering = ["-lapsed_at"]
        default_permissions = ("view",)


class CouponUse(models.Model):
    """A use taken by an order: who, so that a limit per customer can be held."""

    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="uses")
    order = models.OneToOneField("orders.Order", on_delete=models.CASCADE, related_name="coupon_use")
    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["coupon", "customer"], name="coupon_use_of_customer")]

    def __str__(self) -> str:
        return f"use of {self.coupon_id}"


class IdempotencyKey(models.Model):
    """A key, the fingerprint of what came with it, and the answer. Kept 7 days."""

    path = models.CharField(max_length=100, help_text="What was asked for.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    owner = models.CharField(max_length=45, help_text="Whose key it is: two shoppers may choose the same.")
    order = models.ForeignKey("orders.Order", null=True, blank=True, on_delete=models.CASCADE)
    answer = models.JSONField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["path", "key", "fingerprint"], name="idempotent_request_once"),
            models.UniqueConstraint(fields=["owner", "path", "key"], name="idempotency_key_once_an_owner"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return self.key

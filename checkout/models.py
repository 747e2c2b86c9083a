"""A shopper's checkout, and the tables that price it."""

from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from core.ids import new_id
from core.money import MoneyField


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


class CheckoutSession(models.Model):
    """A shopper's checkout: lives 30 minutes after its last change. Only `checkout.services` changes it."""

    class Status(models.TextChoices):
        OPEN = "open"
        SUCCESS = "success"
        FAILURE = "failure"
        TIMEOUT = "timeout"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    visitor_session = models.ForeignKey(
        "sessions_app.VisitorSession", null=True, on_delete=models.SET_NULL, related_name="checkouts"
    )
    visitor_id = models.UUIDField()
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

    # What `open_checkout` reads beside the row.
    tables_version: UUID | None = None
    window_rules: str | None = None

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["status", "expires_at"], name="checkout_due"),
            models.Index(fields=["-created_at"], name="checkout_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.status} checkout"


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

"""What is sold, and the ledger of its stock."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import new_id
from core.money import ZERO, MoneyField


class Category(models.Model):
    """A shelf of the shop."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    """Reads of products."""

    def active(self) -> "ProductQuerySet":
        """What shoppers may see."""
        return self.filter(is_active=True)

    def matching(self, words: str) -> "ProductQuerySet":
        """Every word stands somewhere in name, sku or description."""
        found = self
        for word in words.split():
            found = found.filter(Q(name__icontains=word) | Q(sku__iexact=word) | Q(description__icontains=word))
        return found


class Product(models.Model):
    """One thing for sale. `stock_quantity` is always the sum of its movements; only `catalog.services` changes it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(unique=True, max_length=120)
    sku = models.CharField(unique=True, max_length=64)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="products")
    price = MoneyField()
    thumbnail = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    track_stock = models.BooleanField(default=True)
    stock_quantity = models.IntegerField(default=0, editable=False)
    total_sold = models.PositiveIntegerField(default=0, editable=False)
    total_revenue = MoneyField(default=ZERO, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(condition=Q(stock_quantity__gte=0), name="product_stock_not_negative"),
        ]
        indexes = [models.Index(F("name"), F("id"), condition=Q(is_active=True), name="product_active_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def available(self) -> int | None:
        """Pieces that can be ordered now; None for a product whose stock is not tracked."""
        return self.stock_quantity if self.track_stock else None


class StockMovement(models.Model):
    """One change of one product's stock. Append-only."""

    class Reason(models.TextChoices):
        INITIAL = "initial"
        RESERVED = "reserved"
        RELEASED = "released"
        SOLD_LATE = "sold_late"
        CORRECTION = "correction"
        RESTOCK = "restock"

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="movements")
    delta = models.IntegerField()
    reason = models.CharField(max_length=16, choices=Reason)
    order_id = models.UUIDField(null=True, blank=True, db_index=True)  # the id alone: orders stand above
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~Q(delta=0), name="stock_movement_moves_something")]

    def __str__(self) -> str:
        return f"{self.delta:+d} {self.reason}"

"""What is sold, and the ledger of its stock."""

from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from catalog import search
from core.ids import new_id
from core.money import ZERO, MoneyField


class CategoryQuerySet(models.QuerySet["Category"]):
    """Reads of categories."""

    def with_products(self) -> "CategoryQuerySet":
        """Those with something for sale."""
        return self.filter(models.Exists(Product.objects.active().filter(category=models.OuterRef("pk"))))


class Category(models.Model):
    """A shelf of the shop."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)

    objects = CategoryQuerySet.as_manager()

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

    def on_shelf(self, slug: str) -> "ProductQuerySet":
        """Those of a category. The subquery makes its id a constant, so that the index gives them in order of name."""
        return self.filter(category=Category.objects.filter(slug=slug).values("pk")[:1])

    def matching(self, words: str) -> "ProductQuerySet":
        """Each word begins one of the name, the SKU or the description, whatever the case and the accents."""
        return self.filter(search.found(search.question(words)))

    def after(self, *, name: str, product_id: UUID) -> "ProductQuerySet":
        """Those behind this place, by name and id. The first condition is there for the index."""
        return self.filter(name__gte=name).filter(Q(name__gt=name) | Q(id__gt=product_id))


EveryColumn = models.Manager.from_queryset(ProductQuerySet)


class ProductManager(EveryColumn["Product"]):
    """Leaves in the database what only the database looks at."""

    def get_queryset(self) -> ProductQuerySet:
        return ProductQuerySet(self.model, using=self._db).defer("search")


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
    search = models.GeneratedField(
        expression=Func("sku", "name", "description", function="catalog_search"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProductManager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(condition=Q(stock_quantity__gte=0), name="product_stock_not_negative"),
        ]
        indexes = [
            models.Index(F("name"), F("id"), condition=Q(is_active=True), name="product_active_by_name"),
            models.Index(
                F("category"), F("name"), F("id"), condition=Q(is_active=True), name="product_active_on_shelf"
            ),
            GinIndex(fields=["search"], name="product_search"),
        ]

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

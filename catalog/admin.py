"""Products, their shelves and their stock."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RangeNumericFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from catalog.admin_transfer import TransferAdmin
from catalog.models import Category, Product, ProductQuerySet, StockMovement
from catalog.services import OutOfStockError, Reason, adjust_stock
from core.admin import (
    BAD,
    GOOD,
    NOTHING,
    PLAIN,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    HistoryInline,
    KeySearch,
    RecordForm,
    ShopAdmin,
    as_uuid,
    list_link,
    moment,
    money,
    record_link,
)

FEW = 5
"""Pieces. A stock of so many or fewer is shown as low."""
BY_HAND = [(reason.value, reason.label) for reason in (Reason.RESTOCK, Reason.CORRECTION)]


class ProductForm(RecordForm):
    """A product, and how its stock is to change."""

    stock_change = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
        label="Change stock by",
        help_text="12 adds twelve pieces, -3 takes three away. Empty leaves the stock as it is.",
    )
    stock_reason = forms.ChoiceField(
        required=False, choices=BY_HAND, widget=UnfoldAdminSelectWidget(), label="Reason", initial=Reason.RESTOCK
    )

    def clean_stock_change(self) -> int:
        """No change that would take more than there is.

        Raises:
            ValidationError: it would go below zero.
        """
        change: int = self.cleaned_data["stock_change"] or 0
        if self.instance.stock_quantity + change < 0:
            raise forms.ValidationError(f"There are only {self.instance.stock_quantity} pieces.")
        return change


class MovementInline(HistoryInline):
    """The latest movements of the product's stock."""

    model = StockMovement
    verbose_name_plural = "Stock movements, newest first"
    fields = ("when", "change", "reason", "order", "actor")
    readonly_fields = ("when", "change", "order")
    per_page = 10

    when = moment("created_at", "When")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("actor")

    @display(description="Change")
    def change(self, movement: StockMovement) -> str:
        return f"{movement.delta:+d}"

    @display(description="Order")
    def order(self, movement: StockMovement) -> SafeString | str:
        return order_of(movement)


@admin.register(Product)
class ProductAdmin(TransferAdmin, KeySearch, ShopAdmin):
    """What is sold. Stock changes by a movement with a reason, never by typing a new number."""

    form = ProductForm
    list_display = ("picture", "name", "sku", "category", "price_text", "stock", "total_sold", "revenue", "is_active")
    list_display_links = ("picture", "name")
    list_select_related = ("category",)
    list_filter = (
        ("category", RelatedDropdownFilter),
        ("is_active", BooleanRadioFilter),
        ("stock_quantity", RangeNumericFilter),
        ("price", RangeNumericFilter),
    )
    search_help_text = "Begins of words of name, SKU or description"
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("stock_quantity", "total_sold", "revenue", "created_at", "movements")
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("sku", "category"), "description", "thumbnail")}),
        ("Selling", {"fields": (("price", "is_active"), ("total_sold", "revenue"))}),
        ("Stock", {"fields": (("stock_quantity", "track_stock"), ("stock_change", "stock_reason"), "movements")}),
    )
    add_fieldsets = (
        (None, {"fields": (("name", "slug"), ("sku", "category"), "description", "thumbnail")}),
        ("Selling", {"fields": ("price", "is_active")}),
        ("Stock", {"fields": ("track_stock", "stock_change")}),
    )
    inlines = (MovementInline,)

    price_text = money("price", "Price")

    def find(self, rows: QuerySet[Product], word: str) -> QuerySet[Product]:
        return cast(ProductQuerySet, rows).matching(word)

    revenue = money("total_revenue", "Revenue")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None and "stock_change" in form.base_fields:
            form.base_fields["stock_change"].label = "Initial stock"
            form.base_fields["stock_change"].help_text = "Pieces on the shelf now."
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        delta = form.cleaned_data.get("stock_change") or 0
        if delta:
            reason = Reason(form.cleaned_data.get("stock_reason") or Reason.RESTOCK) if change else Reason.INITIAL
            self._adjust(request, obj, delta, reason)

    def _adjust(self, request: HttpRequest, product: Product, delta: int, reason: Reason) -> None:
        """The form was checked; somebody may have bought since."""
        try:
            with transaction.atomic():
                actor = cast(AbstractBaseUser, request.user)
                adjust_stock(product=product, delta=delta, reason=reason, actor=actor)
        except OutOfStockError as error:
            left = error.shortages[0].available
            self.message_user(request, f"The stock was not changed: only {left} left.", messages.ERROR)

    @display(description="")
    def picture(self, product: Product) -> SafeString | str:
        if not product.thumbnail:
            return NOTHING
        return format_html('<img src="{}" alt="" width="32" height="32" loading="lazy">', product.thumbnail)

    @display(
        description="Stock",
        ordering="stock_quantity",
        label={"enough": GOOD, "few": WAITING, "none": BAD, "any": PLAIN},
    )
    def stock(self, product: Product) -> tuple[str, str]:
        return stock_level(product)

    @display(description="History")
    def movements(self, product: Product) -> SafeString:
        return list_link("catalog_stockmovement", f"product__id__exact={product.pk}", "All movements")


@admin.register(Category)
class CategoryAdmin(ShopAdmin):
    """The shelves."""

    list_display = ("name", "slug", "products")
    search_fields = ("name__istartswith",)
    prepopulated_fields = {"slug": ("name",)}

    @display(description="Products")
    def products(self, category: Category) -> SafeString:
        return list_link("catalog_product", f"category__id__exact={category.pk}", "Show")


@admin.register(StockMovement)
class StockMovementAdmin(KeySearch, HistoryAdmin):
    """The ledger."""

    list_display = ("when", "product", "change", "reason", "order", "actor")
    list_select_related = ("product", "actor")
    list_filter = (("reason", ChoicesDropdownFilter), ("created_at", DayRangeFilter))
    sortable_by = ()
    search_help_text = "Id of an order, or begin of a SKU"
    fields = ("created_at", "product", "delta", "reason", "order", "actor")
    readonly_fields = ("order",)
    when = moment("created_at", "When")

    def find(self, rows: QuerySet[StockMovement], word: str) -> QuerySet[StockMovement]:
        if key := as_uuid(word):
            return rows.filter(order_id=key)
        return rows.filter(product__in=Product.objects.filter(sku__startswith=word.upper()))

    @display(description="Change", label={"in": GOOD, "out": WAITING})
    def change(self, movement: StockMovement) -> tuple[str, str]:
        return "in" if movement.delta > 0 else "out", f"{movement.delta:+d}"

    @display(description="Order")
    def order(self, movement: StockMovement) -> SafeString | str:
        return order_of(movement)


def stock_level(product: Product) -> tuple[str, str]:
    """How much is left, as a kind and as text."""
    if product.available is None:
        return "any", "not tracked"
    kind = "none" if product.available == 0 else "few" if product.available <= FEW else "enough"
    return kind, str(product.available)


def order_of(movement: StockMovement) -> SafeString | str:
    """A link to the order that moved the stock."""
    return record_link("orders_order", movement.order_id, "Order") if movement.order_id else NOTHING

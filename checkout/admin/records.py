"""Coupons, shipping and tax to be edited; checkouts and uses to be read."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from checkout.admin_phone import PhoneOrders
from checkout.models import CheckoutSession, Coupon, CouponUse, IdempotencyKey, ShippingMethod, ShippingZone, TaxRate
from core.addresses import COUNTRIES
from core.admin import (
    BAD,
    GOOD,
    MONEY_INPUTS,
    NOTHING,
    WAITING,
    DayRangeFilter,
    HistoryAdmin,
    Inline,
    KeySearch,
    RecordForm,
    ShopAdmin,
    as_uuid,
    badge,
    derived,
    list_link,
    moment,
    money,
    record_link,
    table,
    with_email,
)
from core.money import money_text
from customers.models import Customer
from orders import order_page

STATUS = {"open": WAITING, "success": GOOD, "failure": BAD, "timeout": "default"}


class CouponForm(RecordForm):
    """A coupon whose code can be typed and whose times are in order."""

    def clean_code(self) -> str:
        """Upper case, no space around it."""
        code: str = self.cleaned_data["code"]
        return code.strip().upper()

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        begins, ends = data.get("starts_at"), data.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", "This is not after the start.")
        return data


@admin.register(Coupon)
class CouponAdmin(ShopAdmin):
    """Discounts by code."""

    form = CouponForm
    list_display = ("code", "gives", "minimum", "starts_at", "ends_at", "used", "is_active")
    list_filter = (("kind", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter), ("ends_at", DayRangeFilter))
    search_fields = ("code__istartswith",)
    search_help_text = "Begin of the code"
    readonly_fields = ("used_count", "uses")
    fieldsets = (
        (None, {"fields": (("code", "is_active"), ("kind", "value"), "minimum_subtotal")}),
        ("When", {"fields": ("starts_at", "ends_at")}),
        ("How often", {"fields": (("max_uses", "max_uses_per_customer"), ("used_count", "uses"))}),
    )
    add_fieldsets = (
        (None, {"fields": (("code", "is_active"), ("kind", "value"), "minimum_subtotal")}),
        ("When", {"fields": ("starts_at", "ends_at")}),
        ("How often", {"fields": (("max_uses", "max_uses_per_customer"),)}),
    )

    minimum = money("minimum_subtotal", "From a subtotal of")

    @display(description="Gives", ordering="value")
    def gives(self, coupon: Coupon) -> str:
        return benefit(coupon)

    @display(description="Used", ordering="used_count")
    def used(self, coupon: Coupon) -> str:
        return f"{coupon.used_count} of {coupon.max_uses}" if coupon.max_uses else str(coupon.used_count)

    @display(description="Uses")
    def uses(self, coupon: Coupon) -> SafeString:
        return list_link("checkout_couponuse", f"coupon__id__exact={coupon.pk}", "All uses")


@admin.register(CouponUse)
class CouponUseAdmin(KeySearch, HistoryAdmin):
    """Which order took which coupon."""

    list_display = ("when", "coupon", "order", "customer")
    list_select_related = ("coupon", "order", "customer")
    list_filter = (("created_at", DayRangeFilter),)
    sortable_by = ()
    search_help_text = "A code, or the begin of a customer's e-mail address"
    when = moment("created_at", "When")

    def find(self, rows: QuerySet[CouponUse], word: str) -> QuerySet[CouponUse]:
        if "@" in word:
            return rows.filter(customer__in=with_email(Customer.objects.order_by(), word))
        return rows.filter(coupon__in=Coupon.objects.order_by().filter(code__iexact=word))


class MethodInline(Inline):
    """The ways to ship to a zone."""

    model = ShippingMethod
    extra = 0
    formfield_overrides = MONEY_INPUTS
    fields = ("name", "price", "free_over", "min_days", "max_days", "is_active")


class ZoneForm(RecordForm):
    """Countries as a list of codes."""

    def clean_countries(self) -> list[str]:
        """Upper-case codes.

        Raises:
            ValidationError: not a list of two-letter codes or `*`.
        """
        codes = self.cleaned_data["countries"]
        if not isinstance(codes, list) or not all(is_country(code) for code in codes):
            raise forms.ValidationError('A list of two-letter codes, such as ["GB", "IE"], or ["*"].')
        return [code.upper() for code in codes]


@admin.register(ShippingZone)
class ShippingZoneAdmin(ShopAdmin):
    """Countries that ship alike, and how."""

    form = ZoneForm
    list_display = ("name", "country_list", "method_list")
    inlines = (MethodInline,)

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("methods")

    @display(description="Countries")
    def country_list(self, zone: ShippingZone) -> str:
        return "everywhere else" if zone.countries == ["*"] else ", ".join(zone.countries)

    @display(description="Methods")
    def method_list(self, zone: ShippingZone) -> str:
        return ", ".join(f"{method.name} {money_text(method.price)}" for method in zone.methods.all())


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ShopAdmin):
    """Every way to ship."""

    list_display = ("name", "zone", "price_text", "free_text", "min_days", "max_days", "is_active")
    list_select_related = ("zone",)
    list_filter = (("is_active", BooleanRadioFilter),)

    price_text = money("price", "Price")
    free_text = money("free_over", "Free over")


class TaxRateForm(RecordForm):
    """The country as addresses have it: another spelling would tax nobody."""

    def clean_country(self) -> str:
        """Upper case.

        Raises:
            ValidationError: there is no such country.
        """
        code: str = self.cleaned_data["country"]
        if not is_country(code):
            raise forms.ValidationError("Two letters of a country, such as GB, or *.")
        return code.upper()


@admin.register(TaxRate)
class TaxRateAdmin(ShopAdmin):
    """What is added, and where."""

    form = TaxRateForm
    list_display = ("name", "country", "region", "percent", "applies_to_shipping")
    search_fields = ("=country",)
    search_help_text = "A country's code"

    @display(description="Rate", ordering="rate")
    def percent(self, tax: TaxRate) -> str:
        return f"{tax.rate.normalize():f} %"


class CheckoutScreen(KeySearch, HistoryAdmin):
    """What every list of checkouts shows: what was in them and how far they came."""

    list_display = ("begun", "state", "reached", "email", "pieces", "total", "coupon", "order_link")
    list_select_related = ("coupon", "order")
    list_filter: ClassVar[Any] = (("status", ChoicesDropdownFilter), ("created_at", DayRangeFilter))
    sortable_by = ("begun",)
    compressed_fields = False
    search_help_text = "Id of a checkout, number of an order, or begin of a customer's e-mail address"
    seen_with: ClassVar[Any] = {"order_link": "orders.view_order", "visit": "sessions_app.view_visitorsession"}
    readonly_fields: ClassVar[Any] = ("lines", "sums", "visit", "order_link", "reached", "delivery", "invoice")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": (("id", "status", "reached"), ("order_link", "visit", "coupon"))}),
        ("When", {"fields": (("created_at", "updated_at", "expires_at"),)}),
        ("Cart", {"fields": ("lines", "sums")}),
        ("Shopper", {"fields": (("customer", "email", "shipping_method"), ("delivery", "invoice"))}),
    )

    delivery = derived("Delivery address", lambda checkout: order_page.address(checkout.shipping_address))
    invoice = derived("Invoice address", lambda checkout: order_page.address(checkout.billing_address))
    state = badge("status", STATUS, "Status")
    begun = moment("created_at", "Begun")

    def find(self, rows: QuerySet[CheckoutSession], word: str) -> QuerySet[CheckoutSession]:
        if key := as_uuid(word):
            return rows.filter(pk=key)
        if "@" in word:
            return rows.filter(customer__in=with_email(Customer.objects.order_by(), word))
        return rows.filter(order__number=word.upper())

    @display(description="Last step")
    def reached(self, checkout: CheckoutSession) -> str:
        return last_step(checkout)

    @display(description="Pieces")
    def pieces(self, checkout: CheckoutSession) -> int:
        return sum(line.get("quantity", 0) for line in checkout.items)

    @display(description="Total")
    def total(self, checkout: CheckoutSession) -> str:
        total = checkout.summary.get("total")
        return money_text(Decimal(total), checkout.summary.get("currency")) if total else NOTHING

    @display(description="Order")
    def order_link(self, checkout: CheckoutSession) -> SafeString | str:
        return record_link("orders_order", checkout.order.pk, checkout.order.number) if checkout.order else NOTHING

    @display(description="Visit")
    def visit(self, checkout: CheckoutSession) -> SafeString | str:
        key = checkout.visitor_session_id
        return record_link("sessions_app_visitorsession", key, "The visit") if key else NOTHING

    @display(description="Sums")
    def sums(self, checkout: CheckoutSession) -> SafeString | str:
        names = ("subtotal", "discountAmount", "shippingAmount", "taxAmount", "total", "currency")
        row = [checkout.summary.get(name, NOTHING) for name in names]
        return table(["Subtotal", "Discount", "Shipping", "Tax", "Total", "Currency"], [row])

    @display(description="Lines")
    def lines(self, checkout: CheckoutSession) -> SafeString | str:
        names = ("name", "sku", "unitPrice", "quantity", "lineTotal")
        rows = [[line.get(name, NOTHING) for name in names] for line in checkout.items]
        return table(["Product", "SKU", "Price", "Quantity", "Sum"], rows)


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(PhoneOrders, CheckoutScreen):
    """All checkouts, newest first, and the pages on which staff make one for somebody on the phone."""


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(KeySearch, HistoryAdmin):
    """Keys of the last days. The answer kept with a key is not shown: it holds the shopper's order token."""

    list_display = ("when", "key", "path", "owner", "order", "status")
    list_select_related = ("order",)
    list_filter = (("created_at", DayRangeFilter),)
    ordering = ("-created_at",)
    sortable_by = ()
    search_help_text = "Number of an order"
    fields = ("key", "path", "owner", "order", "status", "created_at")
    when = moment("created_at", "When")

    def find(self, rows: QuerySet[IdempotencyKey], word: str) -> QuerySet[IdempotencyKey]:
        return rows.filter(order__number=word.upper())


def is_country(code: object) -> bool:
    """A country's two letters in any case, or `*`."""
    return isinstance(code, str) and (code == "*" or (code.isascii() and code.upper() in COUNTRIES))


def benefit(coupon: Coupon) -> str:
    """What a coupon gives, as people say it."""
    match coupon.kind:
        case Coupon.Kind.PERCENT:
            return f"{coupon.value.normalize():f} %"
        case Coupon.Kind.FIXED:
            return money_text(coupon.value)
    return "free shipping"


def last_step(checkout: CheckoutSession) -> str:
    """How far the shopper came."""
    if checkout.order_id:
        return "order"
    if checkout.shipping_method_id:
        return "shipping"
    return "address" if checkout.shipping_address else "cart"

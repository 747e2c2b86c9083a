"""What staff fill in while somebody orders by phone. Rules are those of the shop; a field is as long as its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from babel import Locale
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from catalog.models import Product
from catalog.services import OutOfStockError
from checkout.models import Coupon
from checkout.serializers import MOST_LINES, MOST_OF_ONE
from checkout.services import ConfirmRequest, Key, PhoneCart, fingerprint
from checkout.services.coupons import CouponError
from checkout.services.keys import IdempotencyKeyReusedError
from core.addresses import COUNTRIES
from core.errors import DomainError
from core.money import money_text
from core.serializers import camel
from customers.models import Address
from orders.models import Order, OrderItem

if TYPE_CHECKING:
    LineFormSet = forms.BaseFormSet["LineForm"]
    ProductChoice = forms.ModelChoiceField[Product]
else:
    LineFormSet, ProductChoice = forms.BaseFormSet, forms.ModelChoiceField

ROWS = 5
"""Rows to begin with."""
SPARE = 3
"""Empty rows below those that are filled in."""
LINES = "lines"
FIELDS = {"shippingAddress.country": "country", "shippingMethodId": "shipping_method"}
"""Where the form asks for what a refusal names. Others stand at the top."""
CUSTOMER = ("first_name", "last_name", "email", "phone", "language")
DELIVERY = ("line1", "line2", "postal_code", "city", "region", "country")
TOTAL_ROWS = f"{LINES}-{forms.formsets.TOTAL_FORM_COUNT}"


def column(
    model: type[Model], name: str, label: Any, *, required: bool = True, widget: Any = UnfoldAdminTextInputWidget
) -> forms.Field:
    """A text that fits the column."""
    kept: Any = model._meta.get_field(name)
    found: forms.Field = kept.formfield(label=label, required=required, widget=widget(attrs={"autocomplete": "off"}))
    return found


def countries() -> list[tuple[str, str]]:
    """Codes and names, by name."""
    names = Locale("en").territories
    return sorted(((code, names[code]) for code in COUNTRIES), key=lambda country: country[1])


class ProductPicker(AutocompleteSelect):
    """Searches products as one types; asks `ProductChoices`."""

    def __init__(self) -> None:
        super().__init__(OrderItem._meta.get_field("product"), admin.site)

    def get_url(self) -> str:
        return reverse("admin:checkout_phone_products")

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().build_attrs(*args, **kwargs) | {"data-placeholder": gettext("Name or SKU")}


class ProductField(ProductChoice):
    """A product that is for sale."""

    def label_from_instance(self, obj: Product) -> str:
        return choice_text(obj)


class LineForm(forms.Form):
    """A product and how many of it. A row without product is passed over."""

    product = ProductField(
        Product.objects.active(),
        required=False,
        label=_("Product"),
        widget=ProductPicker,
        error_messages={"invalid_choice": _("This product is not for sale.")},
    )
    quantity = forms.IntegerField(
        label=_("Quantity"), min_value=1, max_value=MOST_OF_ONE, initial=1, widget=UnfoldAdminIntegerFieldWidget
    )


class Lines(LineFormSet):
    """The rows."""

    def clean(self) -> None:
        """One at least.

        Raises:
            ValidationError: all are empty.
        """
        if not any(self.errors) and not self.filled():
            raise forms.ValidationError(_("Choose a product."))

    def filled(self) -> list[dict[str, Any]]:
        """What the rows with a product hold."""
        return [row.cleaned_data for row in self.forms if row.cleaned_data.get("product")]


RowSet = cast(
    "type[Lines]",
    forms.formset_factory(LineForm, formset=Lines, extra=ROWS, max_num=MOST_LINES, validate_max=True),
)


class PhoneOrderForm(forms.Form):
    """Who orders, where it goes, and what was seen before it is placed."""

    email = column(Order, "email", _("E-mail"), widget=UnfoldAdminEmailInputWidget)
    first_name = column(Order, "first_name", _("First name"))
    last_name = column(Order, "last_name", _("Last name"))
    phone = column(Order, "phone", _("Phone"), required=False)
    language = forms.ChoiceField(
        label=_("Language of the mails"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget
    )
    line1 = column(Address, "line1", _("Address"))
    line2 = column(Address, "line2", _("Address, second line"), required=False)
    postal_code = column(Address, "postal_code", _("Postcode"))
    city = column(Address, "city", _("City"))
    region = column(Address, "region", _("Region"), required=False)
    country = forms.ChoiceField(label=_("Country"), choices=[("", ""), *countries()], widget=UnfoldAdminSelect2Widget)
    coupon_code = column(Coupon, "code", _("Coupon"), required=False)
    shipping_method = forms.UUIDField(label=_("Shipping"), required=False)
    expected_total = forms.DecimalField(required=False, max_digits=14, decimal_places=3)
    key = forms.UUIDField(widget=forms.HiddenInput)

    def of_customer(self) -> list[forms.BoundField]:
        """Who it is."""
        return [self[name] for name in CUSTOMER]

    def of_delivery(self) -> list[forms.BoundField]:
        """Where they live."""
        return [self[name] for name in DELIVERY]

    def request(self) -> ConfirmRequest:
        """What a shopper would say when confirming."""
        data = self.cleaned_data
        return ConfirmRequest(
            email=data["email"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            phone=data["phone"],
            shipping_address=self.address(),
            billing_address=None,
            shipping_method_id=data["shipping_method"],
            expected_total=data["expected_total"],
            language=data["language"],
        )

    def address(self) -> dict[str, str]:
        """Where it goes, as rows keep it."""
        return {camel(name): self.cleaned_data[name] for name in DELIVERY}


@dataclass(frozen=True)
class Call:
    """What somebody on the phone wants."""

    cart: PhoneCart
    request: ConfirmRequest
    key: UUID

    @property
    def totals_were_seen(self) -> bool:
        """Whether totals were on the page that was sent."""
        return self.request.expected_total is not None

    def key_of(self, owner: str, path: str) -> Key:
        """The form's key, with all that tells what was sent from another order."""
        content = fingerprint(asdict(self.request) | asdict(self.cart))
        return Key(path=path, value=str(self.key), fingerprint=content, owner=owner)


@dataclass
class Sheet:
    """The page as it was sent: the form with its rows."""

    form: PhoneOrderForm
    lines: Lines
    refused: bool = field(default=False, init=False)

    @classmethod
    def sent(cls, data: QueryDict) -> Sheet:
        """What was filled in, with empty rows below it."""
        return cls(PhoneOrderForm(data), RowSet(with_spare_rows(data), prefix=LINES))

    @property
    def media(self) -> forms.Media:
        """Scripts and styles of the fields."""
        return self.form.media + self.lines.media

    @property
    def is_whole(self) -> bool:
        """Whether all that is needed is there. Both are looked at, so that all is said at once."""
        return all([self.form.is_valid(), self.lines.is_valid()])

    def call(self) -> Call:
        """What is wanted, if it is whole. To be asked before anything is refused: that takes the field's value."""
        data = self.form.cleaned_data
        lines = [(line["product"].pk, line["quantity"]) for line in self.lines.filled()]
        return Call(PhoneCart(lines, data["coupon_code"]), self.form.request(), data["key"])

    def refuse(self, refusal: DomainError) -> None:
        """Says why beside the field that it is about; the first refusal only."""
        if self.refused:
            return
        self.refused = True
        if isinstance(refusal, OutOfStockError):
            self.say_what_is_left({shortage.product_id: shortage.available for shortage in refusal.shortages})
        else:
            self.form.add_error(field_of(refusal), str(text_of(refusal)))

    def say_what_is_left(self, left: Mapping[Any, int]) -> None:
        """At each row with such a product."""
        for row in self.lines.forms:
            product = row.cleaned_data.get("product")
            if product and product.pk in left:
                row.add_error("quantity", gettext("Only %(left)s left.") % {"left": left[product.pk]})


def choice_text(product: Product) -> str:
    """A product as one tells it from others on the phone."""
    parts = [product.name, product.sku, money_text(product.price)]
    if product.available is not None:
        parts.append(gettext("%(left)s left") % {"left": product.available})
    return " · ".join(parts)


def field_of(refusal: DomainError) -> str | None:
    """The field that a refusal is about."""
    if isinstance(refusal, CouponError):
        return "coupon_code"
    return next((FIELDS[name] for name in refusal.details if name in FIELDS), None)


def text_of(refusal: DomainError) -> Any:
    """Why, as staff understand it."""
    if isinstance(refusal, IdempotencyKeyReusedError):
        return _("An order was placed with this form already. Begin a new one.")
    return refusal.text


def with_spare_rows(data: QueryDict) -> QueryDict:
    """The same with `SPARE` empty rows, and `ROWS` at least. What is no number is left to the rows to refuse."""
    sent = data.get(TOTAL_ROWS, "")
    if not (sent.isascii() and sent.isdigit() and len(sent) <= len(str(MOST_LINES))):
        return data
    used = [row for row in range(int(sent)) if data.get(f"{LINES}-{row}-product")]
    enough = max(ROWS, (used[-1] + 1 if used else 0) + SPARE)
    changed = data.copy()
    changed[TOTAL_ROWS] = str(max(int(sent), min(enough, MOST_LINES)))
    return changed

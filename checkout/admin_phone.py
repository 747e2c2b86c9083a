"""The page on which staff take an order by phone: work out the totals, read them out, place it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from checkout import services
from checkout.admin_phone_forms import LINES, Call, PhoneOrderForm, RowSet, Sheet, choice_text
from checkout.models import CheckoutSession
from checkout.services import Confirmation, Quote
from core.admin import Screen, StaffPage, moment_text
from core.clock import now
from core.errors import DomainError
from core.money import money_text
from orders.letters import order_link
from orders.models import Order

MAY_PLACE = "orders.add_order"


class PhoneOrderView(StaffPage):
    """Two steps of one form. What was placed is answered at once: its link is in no address and kept nowhere."""

    title = _("New order by phone")
    permission_required = MAY_PLACE
    template_name = "admin/checkout/phone_order.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = (get_language() or "en").split("-")[0]
        form = PhoneOrderForm(initial={"key": uuid4(), "language": language})
        return self.show(Sheet(form, RowSet(prefix=LINES)))

    def post(self, request: HttpRequest) -> HttpResponse:
        sheet = Sheet.sent(request.POST)
        if not sheet.is_whole:
            return self.show(sheet)
        call = sheet.call()
        if "place" in request.POST and call.totals_were_seen:
            try:
                return self.placed(self.place(call))
            except DomainError as refusal:
                sheet.refuse(refusal)
        try:
            return self.show(sheet, quote_of(call))
        except DomainError as refusal:
            sheet.refuse(refusal)
        return self.show(sheet)

    def place(self, call: Call) -> Confirmation:
        """Places what was seen, once for a form that is sent twice.

        Raises:
            DomainError: nothing was placed.
        """
        user = self.request.user
        confirmation = services.place_phone_order(
            cart=call.cart,
            request=call.request,
            key=call.key_of(owner=f"staff:{user.pk}", path=self.request.path),
            actor=str(user),
            now=now(),
        )
        if not confirmation.replayed:
            self.model_admin.log_addition(self.request, confirmation.order, "Placed by phone.")
        return confirmation

    def show(self, sheet: Sheet, quote: Quote | None = None) -> HttpResponse:
        """The form, with the totals once they are known."""
        context = self.get_context_data(sheet=sheet, quote=quote, **(totals_of(quote) if quote else {}))
        return TemplateResponse(self.request, self.template_name, context)

    def placed(self, confirmation: Confirmation) -> HttpResponse:
        """The order as it is now; the link to pay while it waits for its payment."""
        order = confirmation.order
        context = self.get_context_data(
            order=order,
            total=money_text(order.total, order.currency),
            link=order_link(order) if order.status == Order.Status.PENDING else "",
            until=moment_text(order.session.expires_at),
            address=reverse("admin:orders_order_change", args=[order.pk]),
        )
        return TemplateResponse(self.request, "admin/checkout/phone_order_placed.html", context)


def quote_of(call: Call) -> Quote:
    """What it costs now.

    Raises:
        DomainError: it cannot be ordered so.
    """
    return services.quote_phone_order(
        cart=call.cart,
        address=call.request.shipping_address,
        method_id=call.request.shipping_method_id,
        now=now(),
    )


def totals_of(quote: Quote) -> dict[str, Any]:
    """What the page says of it."""
    return {
        "bill": bill_of(quote.checkout),
        "methods": [(offer.method, money_text(offer.price)) for offer in quote.offers],
        "total": money_text(Decimal(quote.checkout.summary["total"])),
    }


def bill_of(checkout: CheckoutSession) -> list[tuple[str, str]]:
    """Lines and sums; sums that are nothing are left out, the total is last."""
    summary = checkout.summary
    lines = [(f"{line['quantity']} × {line['name']}", Decimal(line["lineTotal"])) for line in checkout.items]
    sums = [
        (gettext("Subtotal"), Decimal(summary["subtotal"])),
        (gettext("Discount"), -Decimal(summary["discountAmount"])),
        (gettext("Shipping"), Decimal(summary["shippingAmount"])),
        *((f"{line['name']} {line['rate']} %", Decimal(line["amount"])) for line in summary["taxLines"]),
    ]
    total = (gettext("Total"), Decimal(summary["total"]))
    shown = [*lines, *(part for part in sums if part[1]), total]
    return [(name, money_text(amount)) for name, amount in shown]


class ProductChoices(AutocompleteJsonView):
    """Products for sale whose words begin so, with price and stock, for those who may place orders."""

    def has_perm(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_PLACE)

    def get_queryset(self) -> QuerySet[Product]:
        return super().get_queryset().filter(is_active=True)

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {"id": str(obj.pk), "text": choice_text(obj)}


class PhoneOrders(Screen):
    """The pages, at the admin of checkouts."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(PhoneOrderView.as_view(model_admin=self))
        choices = self.admin_site.admin_view(ProductChoices.as_view(admin_site=self.admin_site))
        return [
            path("phone/", page, name="checkout_phone_order"),
            path("phone/products/", choices, name="checkout_phone_products"),
            *super().get_urls(),
        ]

"""Finding a checkout that may be changed, and writing it back with fresh totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from catalog.models import Product
from checkout.models import CheckoutSession, Coupon
from checkout.pricing import Line, Summary, Tax, price
from checkout.selectors import discount_of, priced_lines, shipping_of
from checkout.tables import tables_of
from core.errors import DomainError, InvalidInputError, NotFoundError
from core.money import LARGEST, money_string, round_money, tax_included
from core.rows import columns, read, row_of, update_row
from orders.selectors import WINDOW_RULES

LIFE = timedelta(minutes=30)
"""A checkout lives this long after its last change."""
SHOWN = (
    "visitor_session_id", "customer_id", "status", "items", "summary", "shipping_address", "shipping_method_id",
    "coupon__code", "order_id", "expires_at", "reminder",
)  # fmt: skip
"""What `read_checkout` reads."""


# With the version of the tables that price it (see checkout.tables), the rules of the payment window, and its coupon.
READ = f"""
SELECT (SELECT version FROM checkout_pricetablesversion WHERE id = 1), {WINDOW_RULES},
    {columns(CheckoutSession, "c")}, {columns(Coupon, "p")}
FROM checkout_checkoutsession c LEFT JOIN checkout_coupon p ON p.id = c.coupon_id
WHERE c.id = %s
"""  # noqa: S608 - names of our models, nothing from outside
LOCK = f"{READ} FOR NO KEY UPDATE OF c"


class CheckoutClosedError(DomainError):
    """The checkout was ordered, has failed, or was left for too long. `details.orderId` names its order, if any."""

    code, status = "CHECKOUT_CLOSED", 409
    message = _("This checkout is closed. Please begin again from your cart.")


@dataclass(frozen=True)
class Owner:
    """Who asks: the visitor session, and the customer if logged in."""

    session_id: UUID
    visitor_id: UUID
    customer_id: UUID | None = None


def read_checkout(*, checkout_id: UUID, owner: Owner) -> CheckoutSession:
    """The owner's checkout with what the API shows of it, in one narrow statement (docs/decisions/0009).

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    found = CheckoutSession.objects.select_related("coupon").only(*SHOWN).filter(pk=checkout_id).first()
    if found is None or not owns(owner, found):
        raise NotFoundError(_("There is no such checkout."))
    return found


def open_checkout(*, checkout_id: UUID, owner: Owner, now: datetime, held: bool = True) -> CheckoutSession:
    """The owner's checkout, open for a change: its row is locked, and this called inside a transaction. One that is not
    `held` may be looked at; it may have become another since.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
        CheckoutClosedError: it cannot be changed any more.
    """
    found = find(checkout_id, LOCK if held else READ)
    if found is None or not owns(owner, found):
        raise NotFoundError(_("There is no such checkout."))
    if found.status != CheckoutSession.Status.OPEN or found.order_id is not None or now >= found.expires_at:
        raise CheckoutClosedError(details={"orderId": str(found.order_id)} if found.order_id else {})
    if method := tables_of(found).method(found.shipping_method_id):
        found.shipping_method = method
    return found


def find(checkout_id: UUID, statement: str) -> CheckoutSession | None:
    """The row with its coupon and what else the statement reads, `READ` or `LOCK`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [checkout_id])
        row = cursor.fetchone()
    if row is None:
        return None
    version, rules, *values = row
    found = row_of(CheckoutSession, values)
    found.tables_version, found.window_rules = version, rules
    if found.coupon_id is not None:
        found.coupon = row_of(Coupon, values[len(read(CheckoutSession)) :])
    return found


def owns(owner: Owner, checkout: CheckoutSession) -> bool:
    """Only whoever opened a checkout may touch it."""
    if owner.customer_id is not None and checkout.customer_id == owner.customer_id:
        return True
    return checkout.visitor_session_id == owner.session_id


def total_up(checkout: CheckoutSession, *, taxes: list[Tax] | None = None) -> Summary:
    """Prices the checkout as it stands; without `taxes` they are looked up by its address.

    Raises:
        InvalidInputError: the sums are larger than an order can hold.
    """
    if taxes is None:
        taxes = taxes_of(checkout)
    summary = price(
        priced_lines(checkout),
        currency=settings.SHOP_CURRENCY,
        discount=discount_of(checkout),
        shipping=shipping_of(checkout.shipping_method),
        taxes=taxes,
        prices_include_tax=settings.PRICES_INCLUDE_TAX,
    )
    if max(summary.subtotal, summary.total) > LARGEST:
        message = _("This is too much for one order.")
        raise InvalidInputError(message, details={"cartItems": [str(message)]})
    checkout.summary = summary_body(summary)
    return summary


def taxes_of(checkout: CheckoutSession) -> list[Tax]:
    """The taxes of its address; none while it is not known.

    Raises:
        InvalidInputError: the shop has no tax rate for that place, so nothing may be sold there.
    """
    address = checkout.shipping_address
    if not address:
        return []
    taxes = tables_of(checkout).taxes_for(address["country"], address.get("region", ""))
    if taxes is None:
        message = _("We cannot sell to this country: there is no tax rate for it.")
        raise InvalidInputError(message, details={"shippingAddress.country": [str(message)]})
    return taxes


def keep(checkout: CheckoutSession, *, now: datetime, fields: Iterable[str]) -> None:
    """Writes the change and the totals; the checkout lives on from now."""
    checkout.updated_at, checkout.expires_at = now, now + LIFE
    update_row(checkout, *fields, "summary", "updated_at", "expires_at")


def line_body(product: Product, quantity: int) -> dict[str, Any]:
    """A line at the catalog's price of this moment, as the API shows it and the row keeps it."""
    currency = settings.SHOP_CURRENCY
    unit_price = round_money(product.price, currency)  # what is shown is what is multiplied
    return {
        "productId": str(product.id),
        "sku": product.sku,
        "name": product.name,
        "thumbnail": product.thumbnail,
        "unitPrice": money_string(unit_price, currency),
        "quantity": quantity,
        "lineTotal": money_string(Line(unit_price, quantity).total(currency), currency),
    }


def summary_body(summary: Summary) -> dict[str, Any]:
    """The summary as the API shows it and the row keeps it."""
    currency = summary.currency
    return {
        "subtotal": money_string(summary.subtotal, currency),
        "discountAmount": money_string(summary.discount_amount, currency),
        "shippingAmount": money_string(summary.shipping_amount, currency),
        "taxAmount": money_string(summary.tax_amount, currency),
        "taxLines": [
            {
                "name": line.name,
                "rate": f"{line.rate.normalize():f}",
                "amount": money_string(line.amount, currency),
            }
            for line in summary.tax_lines
        ],
        "taxIncluded": tax_included(summary),
        "total": money_string(summary.total, currency),
        "currency": currency,
    }

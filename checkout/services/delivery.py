"""Where a checkout goes: address, shipping method, tax."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession, ShippingMethod
from checkout.selectors import find_method
from checkout.services.opening import Owner, keep, open_checkout, total_up
from checkout.services.wishing import WISH_FIELDS, Wish, note_wish
from checkout.tables import tables_of
from core.errors import InvalidInputError

Address = dict[str, str]


@transaction.atomic
def choose_shipping(
    *,
    checkout_id: UUID,
    owner: Owner,
    address: Address,
    method_id: UUID | None,
    now: datetime,
    wish: Wish | None = None,
) -> tuple[CheckoutSession, list[ShippingMethod]]:
    """Sets the address and the method (the cheapest if none is named); answers all methods that serve the address.
    `wish` says anew whether to remind the shopper.

    Raises:
        NotFoundError, CheckoutClosedError
        InvalidInputError: nobody ships there, or not by that method; a reminder without an e-mail address.
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    methods = serving(checkout, address)
    checkout.shipping_address = address
    checkout.shipping_method = chosen(methods, method_id or checkout.shipping_method_id, strict=method_id is not None)
    total_up(checkout)
    if wish is not None:
        note_wish(checkout, wish, now=now)
    keep(checkout, now=now, fields=["shipping_address", "shipping_method", *(WISH_FIELDS if wish else ())])
    return checkout, methods


@transaction.atomic
def calculate_tax(*, checkout_id: UUID, owner: Owner, address: Address | None, now: datetime) -> CheckoutSession:
    """Taxes the checkout by its address, or by a new one. Asking alone changes nothing, nor does it prolong its life.

    Raises:
        NotFoundError, CheckoutClosedError
        InvalidInputError: no address is known, or no tax rate for it.
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    before = checkout.shipping_address, checkout.summary
    checkout.shipping_address = address or checkout.shipping_address
    if checkout.shipping_address is None:
        message = _("An address is needed to know the tax.")
        raise InvalidInputError(message, details={"shippingAddress": [str(message)]})
    total_up(checkout)
    if (checkout.shipping_address, checkout.summary) != before:
        keep(checkout, now=now, fields=["shipping_address"])
    return checkout


def serving(checkout: CheckoutSession, address: Address) -> list[ShippingMethod]:
    """The methods that serve an address, the cheapest first.

    Raises:
        InvalidInputError: there is none.
    """
    methods = tables_of(checkout).methods_for(address["country"])
    if not methods:
        message = _("We do not ship to this country.")
        raise InvalidInputError(message, details={"shippingAddress.country": [str(message)]})
    return methods


def chosen(methods: list[ShippingMethod], method_id: UUID | None, *, strict: bool) -> ShippingMethod:
    """The method asked for, else the cheapest.

    Raises:
        InvalidInputError: it was asked for and does not serve the address.
    """
    found = find_method(methods, method_id)
    if found is None and strict:
        message = _("This shipping method does not serve the address.")
        raise InvalidInputError(message, details={"shippingMethodId": [str(message)]})
    return found or methods[0]

"""Where a checkout goes: address, shipping method, tax."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession, ShippingMethod
from checkout.selectors import Offer, offers_of
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
) -> tuple[CheckoutSession, list[Offer]]:
    """Sets the address and the method (the cheapest if none is named); answers all that serve the address.
    `wish` says anew whether to remind the shopper.

    Raises:
        NotFoundError, CheckoutClosedError
        InvalidInputError: nobody ships there, or not by that method; a reminder without an e-mail address.
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    offers = serving(checkout, address)
    checkout.shipping_address = address
    checkout.shipping_method = chosen(offers, method_id or checkout.shipping_method_id, strict=method_id is not None)
    total_up(checkout)
    if wish is not None:
        note_wish(checkout, wish, now=now)
    keep(checkout, now=now, fields=["shipping_address", "shipping_method", *(WISH_FIELDS if wish else ())])
    return checkout, offers


def calculate_tax(*, checkout_id: UUID, owner: Owner, address: Address | None, now: datetime) -> CheckoutSession:
    """Taxes the checkout by its address, or by a new one. Asking alone changes nothing, does not prolong its life, and
    waits for nobody. A method that was chosen and does not serve the new address gives way to the cheapest that does.

    Raises:
        NotFoundError, CheckoutClosedError
        InvalidInputError: no address is known, nobody ships there, or there is no tax rate for it.
    """
    if address is None:
        checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now, held=False)
        if not is_taxed_anew(checkout, None):
            return checkout
    with transaction.atomic():
        checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
        if is_taxed_anew(checkout, address):
            keep(checkout, now=now, fields=["shipping_address", "shipping_method"])
    return checkout


def is_taxed_anew(checkout: CheckoutSession, address: Address | None) -> bool:
    """Taxes it by its address, or by a new one; returns whether anything is another than before.

    Raises:
        InvalidInputError: no address is known, nobody ships there, or there is no tax rate for it.
    """
    before = checkout.shipping_address, checkout.shipping_method_id, checkout.summary
    if address is not None:
        checkout.shipping_address = address
        if checkout.shipping_method_id is not None:
            checkout.shipping_method = chosen(serving(checkout, address), checkout.shipping_method_id, strict=False)
    if checkout.shipping_address is None:
        message = _("An address is needed to know the tax.")
        raise InvalidInputError(message, details={"shippingAddress": [str(message)]})
    total_up(checkout)
    return (checkout.shipping_address, checkout.shipping_method_id, checkout.summary) != before


def serving(checkout: CheckoutSession, address: Address) -> list[Offer]:
    """The methods that serve an address, the cheapest for this cart first.

    Raises:
        InvalidInputError: there is none.
    """
    methods = tables_of(checkout).methods_for(address["country"])
    if not methods:
        message = _("We do not ship to this country.")
        raise InvalidInputError(message, details={"shippingAddress.country": [str(message)]})
    return offers_of(checkout, methods)


def chosen(offers: list[Offer], method_id: UUID | None, *, strict: bool) -> ShippingMethod:
    """The method asked for, else the cheapest.

    Raises:
        InvalidInputError: it was asked for and does not serve the address.
    """
    found = next((offer.method for offer in offers if offer.method.id == method_id), None)
    if found is None and strict:
        message = _("This shipping method does not serve the address.")
        raise InvalidInputError(message, details={"shippingMethodId": [str(message)]})
    return found or offers[0].method

"""Orders that staff take by phone: a checkout without a visit, priced and confirmed as every other.

The shopper pays later, by the link in the mail, so no attempt to pay is opened here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from checkout.models import CheckoutSession, PriceTablesVersion
from checkout.selectors import Offer
from checkout.services.basket import lines_of, merge
from checkout.services.confirm import Confirmation, ConfirmRequest, become_order
from checkout.services.coupons import check, coupon_of
from checkout.services.delivery import Address, chosen, serving
from checkout.services.keys import Key, KeyTakenError, claim, taken
from checkout.services.opening import LIFE, total_up
from core.ids import new_id
from core.rows import insert_together
from orders.models import Order
from orders.services import Window


@dataclass(frozen=True)
class PhoneCart:
    """What somebody on the phone wants: products and quantities, perhaps with a coupon."""

    lines: Sequence[tuple[UUID, int]]
    coupon_code: str = ""


@dataclass(frozen=True)
class Quote:
    """What it would cost now. `checkout` is not stored; `offers` serve the address, the cheapest first."""

    checkout: CheckoutSession
    offers: list[Offer] = field(default_factory=list)


def quote_phone_order(*, cart: PhoneCart, address: Address, method_id: UUID | None, now: datetime) -> Quote:
    """Works out the totals, with the method named if it serves the address, else the cheapest. Nothing is written.

    Raises:
        InvalidInputError: a product that is not for sale, nobody ships there, or there is no tax rate for it.
        OutOfStockError, the coupon errors
    """
    checkout = drafted(cart, now=now)
    checkout.coupon = coupon_of(cart.coupon_code) if cart.coupon_code else None
    offers = serving(checkout, address)
    checkout.shipping_address = address
    checkout.shipping_method = chosen(offers, method_id, strict=False)
    summary = total_up(checkout)
    if checkout.coupon is not None:
        check(checkout.coupon, subtotal=summary.subtotal, now=now)
    return Quote(checkout, offers)


def place_phone_order(*, cart: PhoneCart, request: ConfirmRequest, key: Key, actor: str, now: datetime) -> Confirmation:
    """Places the order for the customer of that address, pending until it is paid by its link.

    The same key with the same request brings the order that it brought before.

    Raises:
        InvalidInputError, PriceChangedError, OutOfStockError, the coupon errors: nothing was placed.
        IdempotencyKeyReusedError: the key came before, with another request.
        IdempotencyConflictError: the key is being removed for its age.
    """
    try:
        return Confirmation(place(cart=cart, request=request, key=key, actor=actor, now=now), None)
    except KeyTakenError as before:
        return Confirmation(taken(before.key, now=now)[1], None, replayed=True)


@transaction.atomic
def place(*, cart: PhoneCart, request: ConfirmRequest, key: Key, actor: str, now: datetime) -> Order:
    """The order, its key and its checkout in one transaction.

    Raises:
        KeyTakenError: the key came before.
    """
    order_id = new_id()
    claim(key, order_id=order_id, now=now)
    checkout = drafted(cart, now=now)
    checkout.coupon = coupon_of(cart.coupon_code) if cart.coupon_code else None
    total_up(checkout)
    insert_together([checkout])
    return become_order(checkout, request, order_id=order_id, actor=actor, window=phone_window(), now=now)


def drafted(cart: PhoneCart, *, now: datetime) -> CheckoutSession:
    """A checkout with these products that no visit opened, not stored.

    Raises:
        InvalidInputError, OutOfStockError
    """
    items = lines_of(merge(cart.lines))
    checkout = CheckoutSession(items=items, expires_at=now + LIFE, created_at=now, updated_at=now)
    checkout.tables_version = PriceTablesVersion.objects.values_list("version", flat=True).get()
    return checkout


def phone_window() -> Window:
    """Time for the mail to be read. Rules of staff are for shoppers at their screen."""
    return Window(settings.PHONE_ORDER_DURATION_MINUTES, settings.ORDER_SESSION_MAX_ATTEMPTS)

"""What is in a checkout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from catalog.selectors import for_sale
from catalog.services import OutOfStockError, Shortage
from checkout.models import CheckoutSession
from checkout.services.coupons import CouponError, drop_if_refused
from checkout.services.opening import LIFE, Owner, keep, line_body, open_checkout, total_up
from checkout.services.waiting import naming_own_order
from core.errors import InvalidInputError
from core.rows import insert_together
from sessions_app import services as visits
from sessions_app.state import SessionState

MOST_OF_ONE = 999


@transaction.atomic
def initiate(*, session: SessionState, cart: Iterable[tuple[UUID, int]], now: datetime) -> CheckoutSession:
    """Opens a checkout with these products at the catalog's prices; lines of one product are merged.

    Raises:
        InvalidInputError: a product that is not for sale, or more than 999 of one.
        OutOfStockError: fewer are left than asked for. Nothing is reserved until the order is placed.
    """
    with naming_own_order(Owner(session.session_id, session.visitor_id, session.customer_id), now=now):
        items = lines_of(merge(cart))
    checkout = new_checkout(session, items, now=now)
    total_up(checkout)
    begin(checkout, session, now=now)
    return checkout


def new_checkout(session: SessionState, items: list[dict[str, Any]], *, now: datetime) -> CheckoutSession:
    """An open checkout of whoever asks, not totalled up and not stored yet."""
    return CheckoutSession(
        visitor_session_id=session.session_id,
        customer_id=session.customer_id,
        items=items,
        expires_at=now + LIFE,
        created_at=now,
        updated_at=now,
    )


def store_visit(session: SessionState) -> None:
    """To be called before the transaction in which a cart becomes an order: a flusher that has the same new visit would
    wait for that transaction, and holds other visits meanwhile, for which orders wait that hold a customer.
    """
    visits.ensure_stored(session)


def begin(checkout: CheckoutSession, session: SessionState, *, now: datetime) -> None:
    """Stores a new checkout, and that the visit came as far as this."""
    visits.ensure_stored(session)
    insert_together([checkout])
    visits.record(session.session_id, "checkout_started", now=now)


@transaction.atomic
def replace_items(
    *, checkout_id: UUID, owner: Owner, cart: Iterable[tuple[UUID, int]], now: datetime
) -> tuple[CheckoutSession, CouponError | None]:
    """Puts other lines in an open checkout; its totals follow. A coupon that they no longer allow is taken off.

    Returns the checkout, and why its coupon was taken off if it was.

    Raises:
        NotFoundError, CheckoutClosedError, InvalidInputError, OutOfStockError
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    with naming_own_order(owner, now=now):
        checkout.items = lines_of(merge(cart))
    refusal = drop_if_refused(checkout, now=now)
    keep(checkout, now=now, fields=["items", "coupon"])
    return checkout, refusal


def merge(cart: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """Quantities by product, in the order of their first line.

    Raises:
        InvalidInputError: more than 999 of one product.
    """
    merged: dict[UUID, int] = {}
    for product_id, quantity in cart:
        merged[product_id] = merged.get(product_id, 0) + quantity
    if any(quantity > MOST_OF_ONE for quantity in merged.values()):
        raise InvalidInputError(
            _("999 of one product at most."), details={"cartItems": [str(_("999 of one product at most."))]}
        )
    return merged


def lines_of(quantities: Mapping[UUID, int]) -> list[dict[str, Any]]:
    """The lines at the catalog's prices.

    Raises:
        InvalidInputError: products that are not for sale.
        OutOfStockError: every product that is short.
    """
    products = for_sale(quantities)
    missing = [str(product_id) for product_id in quantities if product_id not in products]
    if missing:
        raise InvalidInputError(_("Some of these products are not for sale."), details={"cartItems": missing})
    short = [
        Shortage(product.id, product.name, quantity, product.stock_quantity)
        for product_id, quantity in quantities.items()
        if (product := products[product_id]).track_stock and product.stock_quantity < quantity
    ]
    if short:
        raise OutOfStockError(short)
    return [line_body(products[product_id], quantity) for product_id, quantity in quantities.items()]

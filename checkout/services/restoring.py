"""An abandoned checkout's cart, in a new checkout of whoever opens the link, in any browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.models import Product
from catalog.selectors import for_sale
from catalog.services import OutOfStockError, Shortage
from checkout.models import CheckoutSession
from checkout.services.basket import begin, new_checkout
from checkout.services.coupons import drop_if_refused
from checkout.services.opening import line_body
from checkout.tokens import RestoreLinkInvalidError, checkout_of
from sessions_app.state import SessionState


@dataclass(frozen=True)
class Restored:
    """The new checkout, which of the old one's lines could not be had (or not whole), and the coupon that was lost."""

    checkout: CheckoutSession
    missing: list[Shortage]
    coupon_lost: str = ""


@transaction.atomic
def restore(*, session: SessionState, token: str, now: datetime) -> Restored:
    """Opens a checkout with the lines that a link names, at the prices of now. Nothing of who left them comes with it.

    Raises:
        RestoreLinkInvalidError
        OutOfStockError: nothing of it can be had any more.
    """
    old = CheckoutSession.objects.select_related("coupon").filter(pk=checkout_of(token)).first()
    if old is None or not old.items:
        raise RestoreLinkInvalidError
    items, missing = what_is_left(old)
    if not items:
        raise OutOfStockError(missing)
    checkout = new_checkout(session, items, now=now)
    checkout.recovers, checkout.coupon = old, old.coupon
    refusal = drop_if_refused(checkout, now=now)
    begin(checkout, session, now=now)
    return Restored(checkout, missing, old.coupon.code if old.coupon and refusal else "")


def what_is_left(checkout: CheckoutSession) -> tuple[list[dict[str, Any]], list[Shortage]]:
    """The lines of a checkout that can be had now, as many pieces as there are; and what is missing of them."""
    products = for_sale([UUID(line["productId"]) for line in checkout.items])
    items, missing = [], []
    for line in checkout.items:
        product = products.get(UUID(line["productId"]))
        pieces = pieces_left(product, line["quantity"])
        if product is not None and pieces:
            items.append(line_body(product, pieces))
        if pieces < line["quantity"]:
            missing.append(Shortage(UUID(line["productId"]), line["name"], line["quantity"], pieces))
    return items, missing


def pieces_left(product: Product | None, wanted: int) -> int:
    """How many of the pieces wanted there are."""
    if product is None:
        return 0
    return min(wanted, product.stock_quantity) if product.track_stock else wanted

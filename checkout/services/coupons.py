"""Coupons: applied to a checkout, taken by an order, given back when it closes unpaid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession, Coupon
from checkout.services.opening import Owner, keep, open_checkout, total_up
from core.errors import DomainError
from core.money import money_string, money_text
from core.rows import columns, row_of
from orders.models import Order


class CouponError(DomainError):
    """A coupon that may not be used."""


class CouponInvalidError(CouponError):
    """There is no such coupon."""

    code, status = "COUPON_INVALID", 409
    message = _("This coupon code is not valid.")


class CouponExpiredError(CouponError):
    """Its time has passed, or not yet come."""

    code, status = "COUPON_EXPIRED", 409
    message = _("This coupon is not valid now.")


class CouponUsedUpError(CouponError):
    """All uses are taken, of the coupon or of this customer."""

    code, status = "COUPON_USED_UP", 409
    message = _("This coupon has been used up.")


class CouponMinimumNotMetError(CouponError):
    """The goods cost too little. `details.minimumSubtotal` says what is needed."""

    code, status = "COUPON_MINIMUM_NOT_MET", 409


@transaction.atomic
def apply_coupon(*, checkout_id: UUID, owner: Owner, code: str, now: datetime) -> CheckoutSession:
    """Puts a coupon on the checkout; no use is taken until the order is placed.

    Raises:
        NotFoundError, CheckoutClosedError, CouponInvalidError, CouponExpiredError, CouponUsedUpError,
        CouponMinimumNotMetError
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    coupon = checkout.coupon = coupon_of(code)
    check(coupon, subtotal=total_up(checkout).subtotal, now=now)
    keep(checkout, now=now, fields=["coupon"])
    return checkout


# By the index on the code in lower case, which `iexact` would pass by.
BY_CODE = f"SELECT {columns(Coupon, 'c')} FROM checkout_coupon c WHERE lower(c.code) = lower(%s) AND c.is_active"  # noqa: S608 - names of our model


def coupon_of(code: str) -> Coupon:
    """The active coupon of a code, in any case.

    Raises:
        CouponInvalidError: there is none.
    """
    with connection.cursor() as cursor:
        cursor.execute(BY_CODE, [code.strip()])
        row = cursor.fetchone()
    if row is None:
        raise CouponInvalidError
    return row_of(Coupon, row)


@transaction.atomic
def remove_coupon(*, checkout_id: UUID, owner: Owner, now: datetime) -> CheckoutSession:
    """Takes the coupon off the checkout.

    Raises:
        NotFoundError, CheckoutClosedError
    """
    checkout = open_checkout(checkout_id=checkout_id, owner=owner, now=now)
    checkout.coupon = None
    total_up(checkout)
    keep(checkout, now=now, fields=["coupon"])
    return checkout


def check(coupon: Coupon, *, subtotal: Decimal, now: datetime) -> None:
    """Whether a coupon may be used now on goods of this price.

    Raises:
        CouponInvalidError, CouponExpiredError, CouponUsedUpError, CouponMinimumNotMetError
    """
    if not coupon.is_active:
        raise CouponInvalidError
    if (coupon.starts_at and now < coupon.starts_at) or (coupon.ends_at and now >= coupon.ends_at):
        raise CouponExpiredError
    if coupon.max_uses is not None and coupon.used_count >= coupon.max_uses:
        raise CouponUsedUpError
    if subtotal < coupon.minimum_subtotal:
        minimum = money_text(coupon.minimum_subtotal, language=(get_language() or "en").split("-")[0])
        message = _("This coupon is for orders of %(minimum)s or more.") % {"minimum": minimum}
        raise CouponMinimumNotMetError(message, details={"minimumSubtotal": money_string(coupon.minimum_subtotal)})


def drop_if_refused(checkout: CheckoutSession, *, now: datetime) -> CouponError | None:
    """Takes a coupon off that the checkout's lines no longer allow, and totals up; says why it was refused."""
    subtotal = total_up(checkout).subtotal
    if checkout.coupon is None:
        return None
    try:
        check(checkout.coupon, subtotal=subtotal, now=now)
    except CouponError as refusal:
        checkout.coupon = None
        total_up(checkout)
        return refusal
    return None


HOLD = "SELECT FROM checkout_coupon WHERE id = %(coupon)s FOR NO KEY UPDATE"
TAKE = """
WITH taken AS (
    UPDATE checkout_coupon SET used_count = used_count + 1
    WHERE id = %(coupon)s AND (max_uses IS NULL OR used_count < max_uses)
      AND (max_uses_per_customer IS NULL OR max_uses_per_customer >
        (SELECT count(*) FROM checkout_couponuse WHERE coupon_id = %(coupon)s AND customer_id = %(customer)s))
    RETURNING id
)
INSERT INTO checkout_couponuse (coupon_id, order_id, customer_id) SELECT id, %(order)s, %(customer)s FROM taken
"""


def take_use(*, coupon: Coupon, order: Order) -> None:
    """Takes a use for a new order, in its transaction. A thousand shoppers cannot take an eleventh of ten.

    Uses of one customer are counted by a statement that begins when the coupon's row is held: it sees them all.

    Raises:
        CouponUsedUpError: nothing is left, for anybody or for this customer.
    """
    use: dict[str, Any] = {"coupon": coupon.pk, "order": order.pk, "customer": order.customer_id}
    with connection.cursor() as cursor:
        if coupon.max_uses_per_customer is not None:
            cursor.execute(HOLD, use)
        cursor.execute(TAKE, use)
        if not cursor.rowcount:
            raise CouponUsedUpError


def take_again(*, order_id: UUID) -> None:
    """Takes a use for a paid order that gave its back, if one is left: it was closed, and its money came late.

    It came at the discounted price, so the order is paid all the same if none is left. One that has its use is left.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH lacking AS (
                SELECT o.id, o.customer_id, c.coupon_id
                FROM orders_order o JOIN checkout_checkoutsession c ON c.order_id = o.id
                WHERE o.id = %s AND c.coupon_id IS NOT NULL
                  AND NOT EXISTS (SELECT FROM checkout_couponuse u WHERE u.order_id = o.id)
            ),
            taken AS (
                UPDATE checkout_coupon SET used_count = used_count + 1
                WHERE id IN (SELECT coupon_id FROM lacking) AND (max_uses IS NULL OR used_count < max_uses)
                RETURNING id
            )
            INSERT INTO checkout_couponuse (coupon_id, order_id, customer_id)
            SELECT taken.id, lacking.id, lacking.customer_id FROM lacking JOIN taken ON taken.id = lacking.coupon_id
            """,
            [order_id],
        )


def give_back(*, order_ids: Sequence[UUID]) -> None:
    """Gives the uses of closed orders back. Twice is harmless: a use is deleted once."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (DELETE FROM checkout_couponuse WHERE order_id = ANY(%s) RETURNING coupon_id),
            back AS (SELECT coupon_id, count(*) AS uses FROM gone GROUP BY coupon_id),
            held AS (SELECT id FROM checkout_coupon WHERE id IN (SELECT coupon_id FROM back)
                     ORDER BY id FOR NO KEY UPDATE)
            UPDATE checkout_coupon c SET used_count = used_count - back.uses
            FROM back JOIN held ON held.id = back.coupon_id WHERE c.id = back.coupon_id
            """,
            [list(order_ids)],
        )

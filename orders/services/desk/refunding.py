"""Money of a paid order goes back because staff say so: all that is left, an amount, or what pieces are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from catalog.services import restock
from core.errors import DomainError
from core.money import ZERO, money_string, round_money
from orders.models import Order, OrderItem, PaymentAttempt, Refund
from orders.services.desk.worth import Line, Pieces, Sale, worth_of
from orders.services.recording import lock_by_id, record_note


class NotPaidError(DomainError):
    """Only money of a paid order can go back."""

    code, status = "NOT_PAID", 409
    message = _("This order is not paid.")


class MoneyNotHereError(DomainError):
    """The order was paid by no attempt (it cost nothing, or was imported), or in another currency than its own."""

    code, status = "MONEY_NOT_HERE", 409
    message = _("This order was not paid in its currency through billing here. Send the money back where it came.")


class RefundTooLargeError(DomainError):
    """More than is left, or nothing. `details.left` says how much can go back still."""

    code, status = "REFUND_TOO_LARGE", 409
    message = _("That is more than can go back, or nothing.")


class PiecesNotThereError(DomainError):
    """Pieces that the order does not have, or no more since they went back before."""

    code, status = "PIECES_NOT_THERE", 400
    message = _("This order has fewer pieces of that which have not gone back yet.")


@transaction.atomic
def refund_order(
    *,
    order_id: UUID,
    reason: str,
    actor: str,
    now: datetime,
    amount: Decimal | None = None,
    pieces: Pieces | None = None,
    to_stock: bool = False,
    staff_id: int | None = None,
) -> Refund:
    """Asks for `amount` to go back, or for what `pieces` are worth, or for all that is left; a job tells billing.

    `to_stock` puts the pieces on the shelf (all that are left, if all the money goes back), in the name of `staff_id`.

    Raises:
        NotPaidError, MoneyNotHereError, RefundTooLargeError, PiecesNotThereError
    """
    order = lock_by_id(order_id)
    attempt, lines = paying(order), list(order.items.all())
    gone = gone_back(attempt)
    if pieces is None and amount is None and to_stock:
        pieces, amount = {line.pk: line.quantity - gone[line.pk] for line in lines}, left_of(order, attempt)
    pieces = checked(pieces or {}, lines, gone)
    if amount is None:
        amount = worth_of(sale_of(order, lines), pieces, before=gone) if pieces else left_of(order, attempt)
    refund = requested(order, attempt, amount, pieces, reason, now=now)
    text = money_string(amount, order.currency)
    record_note(order, "refund", text, actor=actor, reason=reason, now=now)
    if to_stock:
        restock(quantities=shelved(pieces, lines), actor_id=staff_id)
    return refund


def paying(order: Order) -> PaymentAttempt:
    """The attempt whose money is the order's payment.

    Raises:
        NotPaidError, MoneyNotHereError
    """
    if order.status != Order.Status.SUCCESS:
        raise NotPaidError
    found = PaymentAttempt.objects.filter(order_session__order=order, counted_at__isnull=False).first()
    if found is None or found.paid_amount is None or found.paid_currency != order.currency:
        raise MoneyNotHereError
    return found


def refundable(order: Order) -> Decimal:
    """How much staff can send back of an order; 0 where they cannot."""
    try:
        return left_of(order, paying(order))
    except (NotPaidError, MoneyNotHereError):
        return ZERO


def left_of(order: Order, attempt: PaymentAttempt) -> Decimal:
    """How much can go back still: of what billing took, no more than the total, less what went or is on its way."""
    waiting = Refund.objects.filter(attempt=attempt, status=Refund.Status.REQUESTED, was_sale=True)
    on_its_way = waiting.aggregate(sum=Sum("amount"))["sum"] or ZERO
    return min(order.total, attempt.paid_amount or ZERO) - order.refunded_amount - on_its_way


def gone_back(attempt: PaymentAttempt) -> Counter[int]:
    """The pieces for which money went back, or is on its way, by line."""
    found: Counter[int] = Counter()
    for refund in Refund.objects.filter(attempt=attempt, was_sale=True).exclude(status=Refund.Status.FAILED):
        found.update({int(line): number for line, number in refund.pieces.items()})
    return found


def checked(pieces: Pieces, lines: list[OrderItem], gone: Mapping[int, int]) -> dict[int, int]:
    """The pieces, without lines of which there are none.

    Raises:
        PiecesNotThereError
    """
    there = {line.pk: line.quantity - gone.get(line.pk, 0) for line in lines}
    if any(not 0 <= number <= there.get(line, 0) for line, number in pieces.items()):
        raise PiecesNotThereError
    return {line: number for line, number in pieces.items() if number}


def sale_of(order: Order, lines: list[OrderItem]) -> Sale:
    """What the order's goods came to."""
    on_top = order.total != order.subtotal - order.discount_amount + order.shipping_amount
    return Sale(
        lines=[Line(line.pk, line.quantity, line.line_total) for line in lines],
        subtotal=order.subtotal,
        discount=order.discount_amount,
        rates=[Decimal(line["rate"]) for line in order.tax_lines] if on_top else [],
        currency=order.currency,
    )


def requested(
    order: Order, attempt: PaymentAttempt, amount: Decimal, pieces: Pieces, reason: str, *, now: datetime
) -> Refund:
    """The refund, for a job to send.

    Raises:
        RefundTooLargeError
    """
    left = left_of(order, attempt)
    if not 0 < amount <= left or amount != round_money(amount, order.currency):
        raise RefundTooLargeError(details={"left": money_string(left, order.currency)})
    return Refund.objects.create(
        attempt=attempt,
        amount=amount,
        reason=reason[:200],
        pieces={str(line): number for line, number in pieces.items()},
        next_try_at=now,
        requested_at=now,
    )


def shelved(pieces: Pieces, lines: list[OrderItem]) -> dict[UUID, int]:
    """Pieces by product; what is no longer in the catalogue has no shelf."""
    found: Counter[UUID] = Counter()
    for line in lines:
        if line.product_id and pieces.get(line.pk):
            found[line.product_id] += pieces[line.pk]
    return dict(found)

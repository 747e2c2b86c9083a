"""Reads of orders, always for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInputError, NotFoundError
from core.pages import decode_cursor, page_of
from orders.models import Order, OrderQuerySet
from orders.tokens import token_opens


@dataclass(frozen=True)
class Reader:
    """Who asks: a visitor session, perhaps a customer logged in, perhaps with an order's token."""

    session_id: UUID | None
    user_id: int | None = None
    token: str = ""


def for_display() -> OrderQuerySet:
    """Orders with all that the API shows of them, in four queries however many there are."""
    return Order.objects.select_related("session").prefetch_related("items", "session__attempts", "history")


def own(reader: Reader) -> Q:
    """What somebody may see without a token: what this visit ordered, and what this customer ordered."""
    mine = Q(pk__in=[])
    if reader.session_id is not None:
        mine |= Q(visitor_session_id=reader.session_id)
    if reader.user_id is not None:
        mine |= Q(customer__user_id=reader.user_id)
    return mine


def find_order(*, order_id: UUID, reader: Reader) -> Order:
    """The reader's order.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    order = for_display().filter(pk=order_id).select_related("session", "customer").first()
    if order is None or not may_read(order, reader):
        raise NotFoundError(_("There is no such order."))
    return order


def may_read(order: Order, reader: Reader) -> bool:
    """Whether this order is theirs."""
    by_visit = reader.session_id is not None and order.visitor_session_id == reader.session_id
    by_login = reader.user_id is not None and order.customer.user_id == reader.user_id
    return by_visit or by_login or token_opens(order, reader.token)


def order_page(*, reader: Reader, cursor: str) -> tuple[list[Order], str | None]:
    """A page of the reader's own orders, newest first, and the cursor of the next.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    orders = for_display().filter(own(reader)).order_by("-placed_at", "-id")
    if cursor:
        placed_at, order_id = decode_cursor(cursor, 2)
        try:
            at, last = parse_datetime(placed_at), UUID(order_id)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise InvalidInputError(_("This cursor is not valid."))
        orders = orders.filter(Q(placed_at__lt=at) | Q(placed_at=at, id__lt=last))
    return page_of(orders, lambda order: [order.placed_at.isoformat(), order.id])

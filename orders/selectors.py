"""Reads of orders, always for somebody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast
from uuid import UUID

from django.db.models import Model, Q, QuerySet, Subquery, TextField
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInputError, NotFoundError
from core.pages import decode_cursor, page_of
from customers.models import Customer
from orders.models import Order, OrderItem, OrderStatusChange, PaymentAttempt, WindowRule
from orders.services.recording import at_hand
from orders.tokens import token_opens

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Version(TypedDict):
        """What `VERSION` adds to an order."""

        version: str

    class Parts(Version):
        """What `snapshot` adds to an order."""

        items_json: str | None
        attempts_json: str | None
        history_json: str | None

    VersionedOrder = WithAnnotations[Order, Version]
    WholeOrder = WithAnnotations[Order, Parts]

Row = TypeVar("Row", bound=Model)
POLLING = "{next_poll_at,poll_count,unknown_count,error_count,asked_at,last_error}"
"""What the poll writes on an attempt every few seconds, and no shopper sees."""

# Each row of the order by the transaction that wrote it and its place: other ones after any change, whoever makes it.
# An attempt is told by what it holds instead, for the poll writes on it all the time.
VERSION = f"""
ROW(orders_order.xmin, orders_order.ctid,
    (SELECT ROW(s.xmin, s.ctid, ARRAY(SELECT to_jsonb(a) - '{POLLING}'::text[] FROM orders_paymentattempt a
                                      WHERE a.order_session_id = s.id ORDER BY a.id))
     FROM orders_ordersession s WHERE s.order_id = orders_order.id),
    ARRAY(SELECT ROW(i.xmin, i.ctid) FROM orders_orderitem i WHERE i.order_id = orders_order.id ORDER BY i.id),
    ARRAY(SELECT ROW(h.xmin, h.ctid) FROM orders_orderstatuschange h WHERE h.order_id = orders_order.id ORDER BY h.id)
)::text
"""  # noqa: S608 - nothing from outside
ITEMS = """
(SELECT json_agg(to_jsonb(i) ORDER BY i.id) FROM orders_orderitem i WHERE i.order_id = orders_order.id)::text
"""
ATTEMPTS = """
(SELECT json_agg(to_jsonb(a) ORDER BY a.opened_at) FROM orders_paymentattempt a
 JOIN orders_ordersession s ON s.id = a.order_session_id WHERE s.order_id = orders_order.id)::text
"""
HISTORY = """
(SELECT json_agg(to_jsonb(h) ORDER BY h.id) FROM orders_orderstatuschange h WHERE h.order_id = orders_order.id)::text
"""

WINDOW_RULES = """
(SELECT json_agg(to_jsonb(r) ORDER BY r.position, r.id) FROM orders_windowrule r WHERE r.is_active)::text
"""
"""For a statement that runs anyway: what staff change counts at once, and reading the rules costs none of its own."""


@dataclass(frozen=True)
class Reader:
    """Who asks: a visitor session, perhaps a customer logged in, perhaps with an order's token."""

    session_id: UUID | None
    user_id: int | None = None
    token: str = ""


def versions() -> QuerySet[VersionedOrder]:
    """Orders with their version and what says who may read them; nothing else of them is loaded."""
    needed = ("id", "placed_at", "visitor_session_id", "access_token_hash", "customer__user_id")
    orders = Order.objects.select_related("customer").only(*needed).annotate(version=written(VERSION))
    return cast("QuerySet[VersionedOrder]", orders)


def written(expression: str) -> RawSQL:
    """One of the expressions above."""
    return RawSQL(expression, [], output_field=TextField())  # noqa: S611 - nothing from outside


def snapshot(order_ids: Sequence[UUID]) -> list[WholeOrder]:
    """Orders with all that the API shows of them and the version of just that, as they were at one moment.

    One statement: two would see two moments, and an order between them that never was.
    """
    parts = {
        "version": written(VERSION),
        "items_json": written(ITEMS),
        "attempts_json": written(ATTEMPTS),
        "history_json": written(HISTORY),
    }
    rows = Order.objects.filter(id__in=order_ids).select_related("session").annotate(**parts)
    orders = cast("list[WholeOrder]", list(rows))
    for order in orders:
        at_hand(order, "items", from_json(OrderItem, order.items_json))
        if hasattr(order, "session"):
            at_hand(order.session, "attempts", from_json(PaymentAttempt, order.attempts_json))
        at_hand(order, "history", from_json(OrderStatusChange, order.history_json))
    return orders


def from_json(model: type[Row], text: str | None) -> list[Row]:
    """Rows that PostgreSQL wrote as JSON by their columns. Money stays exact."""
    rows: list[dict[str, Any]] = json.loads(text, parse_float=Decimal) if text else []
    fields = model._meta.concrete_fields
    return [model(**{field.attname: field.to_python(row[field.attname]) for field in fields}) for row in rows]


def window_rules(text: str | None) -> list[WindowRule]:
    """The active rules of the payment window in their order, as `WINDOW_RULES` reads them."""
    return from_json(WindowRule, text)


def own(*, session_id: UUID | None = None, user_id: int | None = None) -> Q:
    """What somebody may see without a token: what this visit ordered, and what this customer ordered.

    The customer is looked up apart: joined, neither index could serve.
    """
    mine = Q(pk__in=[])
    if session_id is not None:
        mine |= Q(visitor_session_id=session_id)
    if user_id is not None:
        mine |= Q(customer_id=Subquery(Customer.objects.filter(user_id=user_id).values("id")[:1]))
    return mine


def find_order(*, order_id: UUID, reader: Reader) -> VersionedOrder:
    """The reader's order, as `versions` loads it.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    order = versions().filter(pk=order_id).first()
    if order is None or not may_read(order, reader):
        raise NotFoundError(_("There is no such order."))
    return order


def may_read(order: Order, reader: Reader) -> bool:
    """Whether this order is theirs."""
    by_visit = reader.session_id is not None and order.visitor_session_id == reader.session_id
    by_login = reader.user_id is not None and order.customer.user_id == reader.user_id
    return by_visit or by_login or token_opens(order, reader.token)


def order_page(*, reader: Reader, cursor: str) -> tuple[list[VersionedOrder], str | None]:
    """A page of the reader's own orders as `versions` loads them, newest first, and the cursor of the next.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    mine = own(session_id=reader.session_id, user_id=reader.user_id)
    orders = versions().filter(mine).order_by("-placed_at", "-id")
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


def pending_order_with(
    *, product_ids: Sequence[UUID], session_id: UUID, customer_id: UUID | None, now: datetime
) -> Order | None:
    """The newest order of this visit or customer that holds pieces of one of the products and can still be paid."""
    mine = Q(visitor_session_id=session_id)
    if customer_id is not None:
        mine |= Q(customer_id=customer_id)
    return (
        Order.objects.pending()
        .filter(mine, items__product_id__in=product_ids, session__expires_at__gt=now)
        .select_related("session")
        .order_by("-placed_at")
        .first()
    )


def open_attempt_of(order: Order) -> PaymentAttempt | None:
    """Where the order can be paid at this moment."""
    return PaymentAttempt.objects.filter(order_session=order.session, status=PaymentAttempt.Status.OPEN).first()

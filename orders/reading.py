"""Orders as the API shows them, rendered once for each version of an order and counted down to the reader's moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from core.errors import NotFoundError
from core.versioned import Body, Rendered, bodies
from orders.selectors import Reader, find_order, order_page, snapshot
from orders.serializers import OrderOut, at_the_clock, order_body

LIST_SECONDS = 300
ORDER_SECONDS = 600


def read_order(*, order_id: UUID, reader: Reader, now: datetime) -> Body:
    """The reader's order.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    order = find_order(order_id=order_id, reader=reader)
    found = bodies("orders", {order.id: order.version}, render=render, seconds=ORDER_SECONDS)
    if order.id not in found:
        raise NotFoundError(_("There is no such order."))
    return at_the_clock(found[order.id], now=now)


def read_page(*, reader: Reader, cursor: str, now: datetime) -> tuple[list[Body], str | None]:
    """A page of the reader's own orders, newest first, and the cursor of the next.

    Raises:
        InvalidInputError: a cursor that is not ours.
    """
    orders, following = order_page(reader=reader, cursor=cursor)
    found = bodies("orders", {order.id: order.version for order in orders}, render=render, seconds=LIST_SECONDS)
    return [at_the_clock(found[order.id], now=now) for order in orders if order.id in found], following


def render(order_ids: Sequence[UUID]) -> Rendered:
    """Orders as `OrderOut` shows them, with the version of what is shown."""
    orders = snapshot(order_ids)
    # The countdown is overwritten at each read: any moment will do for it.
    shown = OrderOut([order_body(order, now=order.placed_at) for order in orders], many=True).data
    return {order.id: (order.version, body) for order, body in zip(orders, shown, strict=True)}

"""The history row and the outbox row that go with every change of an order, in its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from core import logs
from core.money import money_string
from core.rows import insert_together
from core.serializers import camel
from orders.models import Order, OrderItem, OrderStatusChange, OutboxEvent, PaymentAttempt, Refund


def record_status(
    orders: Iterable[tuple[Order, str]], *, actor: str, reason: str, now: datetime, field: str = "status"
) -> list[OrderStatusChange]:
    """Adds a history row to each order; the pairs are (order as it is now, what the field was before).

    Of the rows returned the ids are not known.
    """
    changes = [change_of(order, old, actor=actor, reason=reason, now=now, field=field) for order, old in orders]
    insert_together(changes)
    return changes


def change_of(
    order: Order, old: str, *, actor: str, reason: str, now: datetime, field: str = "status"
) -> OrderStatusChange:
    """The history row of a field of the order as it is now."""
    return OrderStatusChange(
        order=order,
        field=field,
        old=old[:40],
        new=text_of(getattr(order, field), order.currency),
        actor=actor,
        reason=reason,
        created_at=now,
    )


def attempt_change(
    order: Order, attempt: PaymentAttempt, old: str, *, actor: str, reason: str, now: datetime
) -> OrderStatusChange:
    """The history row of an attempt as it is now: its number and status; `old` is the status before, "" if new."""
    return OrderStatusChange(
        order=order,
        field="attempt",
        old=f"{attempt.number} {old}" if old else "",
        new=f"{attempt.number} {attempt.status}",
        actor=actor,
        reason=reason[:200],
        created_at=now,
    )


def record_note(order: Order, field: str, new: str, *, old: str = "", actor: str, reason: str, now: datetime) -> None:
    """A history row of something that is no column of the order, such as a mail that was sent again."""
    OrderStatusChange.objects.create(
        order=order, field=field, old=old[:40], new=new[:40], actor=actor, reason=reason[:200], created_at=now
    )


def text_of(value: Any, currency: str) -> str:
    """A value of a field as the history keeps it."""
    return (money_string(value, currency) if isinstance(value, Decimal) else str(value))[:40]


def announce(topic: OutboxEvent.Topic, orders: Sequence[Order], *, now: datetime, **more: Any) -> None:
    """Writes what other services must hear."""
    insert_together([event_of(topic, order, now=now, **more) for order in orders])


def event_of(topic: OutboxEvent.Topic, order: Order, *, now: datetime, **more: Any) -> OutboxEvent:
    """What other services must hear of one order."""
    return OutboxEvent(topic=topic, payload=payload_of(order) | more, created_at=now)


def payload_of(order: Order) -> dict[str, Any]:
    """The order as other services see it (docs/events.md), by the API's names. Nothing of whoever ordered."""
    sums = ("subtotal", "discount_amount", "shipping_amount", "tax_amount", "total", "refunded_amount")
    return {
        "orderId": str(order.id),
        "number": order.number,
        "status": order.status,
        "fulfillmentStatus": order.fulfillment_status,
        **{camel(name): money_string(getattr(order, name), order.currency) for name in sums},
        "currency": order.currency,
        "placedAt": order.placed_at.isoformat(),
        "paidAt": order.paid_at.isoformat() if order.paid_at else None,
    }


def lines_body(order: Order) -> list[dict[str, Any]]:
    """What was ordered, as other services see it."""
    return [line_body(line, order.currency) for line in order.items.all()]


def line_body(line: OrderItem, currency: str) -> dict[str, Any]:
    """A line of an order."""
    return {
        "productId": str(line.product_id) if line.product_id else None,
        "sku": line.sku,
        "name": line.name,
        "unitPrice": money_string(line.unit_price, currency),
        "quantity": line.quantity,
        "lineTotal": money_string(line.line_total, currency),
    }


def refund_body(refund: Refund) -> dict[str, Any]:
    """Money that went back. `wasSale` is false for money that never counted as the order's payment."""
    return {
        "refundId": str(refund.pk),
        "amount": money_string(refund.amount, refund.currency),
        "currency": refund.currency,
        "wasSale": refund.was_sale,
    }


def at_hand(owner: Model, name: str, rows: Iterable[Model]) -> None:
    """Lets `owner.<name>.all()` answer with rows just written, as `prefetch_related` would have left them."""
    found: Any = QuerySet(owner._meta.get_field(name).related_model)
    found._result_cache, found._prefetch_done = list(rows), True
    vars(owner).setdefault("_prefetched_objects_cache", {})[name] = found


def lock_order(condition: Q) -> Order | None:
    """The order's row, locked, its session beside it (the order's lock guards both). The log is about it from here."""
    locked = Order.objects.select_for_update(of=("self",), no_key=True).select_related("session")
    found = locked.filter(condition).first()
    if found is not None:
        logs.note(order=found.number)
    return found


def lock_by_id(order_id: UUID) -> Order:
    """The same by id.

    Raises:
        Order.DoesNotExist: there is none.
    """
    found = lock_order(Q(pk=order_id))
    if found is None:
        raise Order.DoesNotExist(order_id)
    return found

"""A new order: stock reserved, payment window open, everything in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.services import reserve_stock
from core.money import ZERO
from core.rows import insert_together
from customers.services import find_or_create_guest
from orders import letters
from orders.models import Order, OrderItem, OrderSession, WindowRule
from orders.services.recording import at_hand, change_of, event_of, lines_body
from orders.services.transitions import TO, mark_paid
from orders.services.windows import Sale, Window, window_for
from orders.signals import order_placed
from orders.tokens import access_token, new_number, token_hash
from sessions_app.selectors import NO_TOUCHES, Attribution, attribution, begun_at
from sessions_app.services import mark_ordered


@dataclass(frozen=True)
class OrderLine:
    """A line at the price of this moment."""

    product_id: UUID
    name: str
    sku: str
    image: str
    unit_price: Decimal
    quantity: int
    line_total: Decimal


@dataclass(frozen=True)
class OrderDraft:
    """All that an order is made of. Money comes from the catalog and the tables, never from a client."""

    lines: Sequence[OrderLine]
    subtotal: Decimal
    discount_amount: Decimal
    shipping_amount: Decimal
    tax_amount: Decimal
    total: Decimal
    currency: str
    email: str
    shipping_address: dict[str, str]
    billing_address: dict[str, str]
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    shipping_method: str = ""
    coupon_code: str = ""
    tax_lines: list[dict[str, str]] = field(default_factory=list)
    checkout_id: UUID | None = None
    session_id: UUID | None = None
    visitor_id: UUID | None = None
    customer_id: UUID | None = None
    """Of whoever is logged in; without one the customer is found by the address, or made."""
    language: str = "en"
    window_rules: Sequence[WindowRule] | None = None
    """The rules of the payment window, if whoever drafts has them at hand (`selectors.window_rules`)."""
    window: Window | None = None
    """The payment window itself, if whoever drafts decides it: no rule is asked then."""


@transaction.atomic(savepoint=False)
def place_order(
    *, order_id: UUID, draft: OrderDraft, actor: str, now: datetime, alongside: Callable[[Order], object]
) -> Order:
    """Places the order as pending, with its payment window; an order of nothing to pay is paid at once.

    `alongside` writes what the caller has to write with it. The pieces are taken after that, by the last statement:
    what follows is done while everybody waits who wants the same product (docs/decisions/0014).

    What was written is at hand in the order returned: showing it needs no query.

    Raises:
        OutOfStockError: nothing is placed.
    """
    touches = attribution(visitor_id=draft.visitor_id, now=now) if draft.visitor_id else NO_TOUCHES
    order = Order(id=order_id, **order_fields(draft, touches, order_id=order_id, now=now))
    items, window = [item_of(order, line) for line in draft.lines], window_of(order, draft, now=now)
    history = [change_of(order, "", actor=actor, reason="placed", now=now)]
    new = TO[Order.Status.PENDING]
    told = [letters.about(order, new.letter, now=now)] if order.total else []
    at_hand(order, "items", items)
    event = event_of(new.topic, order, now=now, items=lines_body(order))
    insert_together([order, *items, window, *history, event, *told])
    at_hand(window, "attempts", [])
    if draft.session_id is not None:
        mark_ordered(session_id=draft.session_id, order_id=order.id)
    order_placed.send(Order, orders=[order], now=now)
    alongside(order)
    if order.total == ZERO:
        history += mark_paid(order, actor=actor, reason="nothing to pay", now=now)
    at_hand(order, "history", history)
    reserve_stock(quantities={line.product_id: line.quantity for line in draft.lines}, order_id=order_id)
    return order


def order_fields(draft: OrderDraft, touches: Attribution, *, order_id: UUID, now: datetime) -> dict[str, Any]:
    """The order's columns."""
    names = (
        "subtotal", "discount_amount", "shipping_amount", "tax_amount", "total", "currency", "email", "first_name",
        "last_name", "phone", "shipping_address", "billing_address", "shipping_method", "coupon_code", "tax_lines",
        "checkout_id", "language",
    )  # fmt: skip
    return {name: getattr(draft, name) for name in names} | {
        "number": new_number(),
        "customer_id": draft.customer_id
        or find_or_create_guest(
            email=draft.email,
            first_name=draft.first_name,
            last_name=draft.last_name,
            phone=draft.phone,
            first_visit_at=first_visit(draft, touches),
        ),
        "visitor_session_id": draft.session_id,
        "first_touch": touches.first,
        "last_touch": touches.last,
        "access_token_hash": token_hash(access_token(order_id)),
        "placed_at": now,
    }


def first_visit(draft: OrderDraft, touches: Attribution) -> datetime | None:
    """When the buyer was first here, as far as is known: at the first touch, else when this visit began."""
    if touches.first:
        return datetime.fromisoformat(touches.first["at"])
    return begun_at(draft.session_id) if draft.session_id else None


def item_of(order: Order, line: OrderLine) -> OrderItem:
    """The line as it is kept."""
    return OrderItem(
        order=order,
        product_id=line.product_id,
        name=line.name,
        sku=line.sku,
        image=line.image,
        unit_price=line.unit_price,
        quantity=line.quantity,
        line_total=line.line_total,
    )


def window_of(order: Order, draft: OrderDraft, *, now: datetime) -> OrderSession:
    """The order's payment window."""
    window = draft.window or window_by_rules(draft)
    return OrderSession(
        order=order,
        duration_minutes=window.minutes,
        started_at=now,
        expires_at=now + timedelta(minutes=window.minutes),
        max_payment_attempts=window.attempts,
        metadata={"rule": window.rule} if window.rule else {},
    )


def window_by_rules(draft: OrderDraft) -> Window:
    """What the rules of staff, else the settings, give this order."""
    sale = Sale(draft.total, [line.product_id for line in draft.lines], draft.customer_id)
    return window_for(sale, WindowRule.objects.active() if draft.window_rules is None else draft.window_rules)

"""The order that somebody looks at, read once a request: unfold asks each button apart whether to offer it."""

from __future__ import annotations

from django.db.models import prefetch_related_objects
from django.http import HttpRequest

from core.admin import as_uuid
from orders import order_page
from orders.models import Order

KEPT = "footfall_orders"


def looked_at(request: HttpRequest, object_id: str) -> Order | None:
    """The order with all that its page shows; None if there is none. What is decided is decided by services anew."""
    key = as_uuid(object_id)
    if key is None:
        return None
    kept: dict[object, Order | None] = vars(request).setdefault(KEPT, {})
    if key not in kept:
        order = Order.objects.select_related("customer", "session", "visitor_session").filter(pk=key).first()
        if order is not None:
            prefetch_related_objects([order], *order_page.related(order))
        kept[key] = order
    return kept[key]

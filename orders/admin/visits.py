"""The filters of the list of orders that figures lead to: what the visit was like that placed the order, and when it
was placed and paid, to the second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from core.admin import Chip, Span, found_once, span_in
from core.clock import now
from orders.models import Order
from sessions_app.admin_filters import USUAL, dimension_chips
from sessions_app.dimensions import Dimension, Filters, conditions, filters_in, fulfilling
from sessions_app.models import VisitorSession

PLACED, PAID = ("placed_from", "placed_to"), ("paid_from", "paid_to")
WAIT = timedelta(days=30)
"""How long before its money an order's visit may have been, for a page or a product to be found in it."""


class VisitOfOrderFilter(DropdownFilter):
    """Whether orders have a visit, in the sidebar; and all else that a figure says of its orders, which stands in the
    chips.
    """

    title = "visit"
    parameter_name = "visit"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in (*Dimension, *PLACED, *PAID):
            params.pop(name, None)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "of a visit"), ("none", "of no visit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        spans = {"placed_at": span_in(request.GET, *PLACED), "paid_at": span_in(request.GET, *PAID)}
        for column, span in spans.items():
            ends = {f"{column}__gte": span.start, f"{column}__lt": span.until}
            queryset = queryset.filter(**{name: end for name, end in ends.items() if end})
        if self.value() in ("some", "none"):
            queryset = queryset.filter(visitor_session__isnull=self.value() == "none")
        filters = filters_in(request.GET)
        if not filters:
            return queryset
        return found_once(queryset.filter(visitor_session__in=visits_of(filters, spans.values())), queryset)


def visits_of(filters: Filters, spans: Collection[Span]) -> QuerySet[VisitorSession]:
    """The visits with these values, of orders that were placed or paid in the spans."""
    end = min((span.until for span in spans if span.until), default=now())
    start = max((span.start for span in spans if span.start), default=end - USUAL) - WAIT
    return VisitorSession.objects.order_by().filter(fulfilling(*conditions(filters, start=start, end=end)))


def order_chips(query: Mapping[str, str]) -> Iterator[Chip]:
    """What an address says of the orders beside their columns, in words.

    Raises:
        IncorrectLookupParameters: it asks for what cannot be.
    """
    yield from dimension_chips(filters_in(query))
    for name, ends in (("Placed", PLACED), ("Paid", PAID)):
        if span := span_in(query, *ends):
            yield Chip(name, str(span), ends)

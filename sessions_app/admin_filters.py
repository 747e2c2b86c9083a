"""The filters of lists of visits that figures lead to: dimensions, how far a visit came, and when it began.

The address says them: `?source=newsletter&reached=cart&from=2026-11-20&to=2026-11-26&counted=yes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from catalog.models import Product
from core.admin import Chip, Span, as_uuid, found_once, span_in
from core.clock import now
from sessions_app.dimensions import (
    EVENTS,
    REACHED,
    Dimension,
    Filters,
    Step,
    conditions,
    counted_only,
    filters_in,
    fulfilling,
)
from sessions_app.models import VisitorSession

BEGAN = ("from", "to")
COUNTED = "counted"
YES = "yes"
USUAL = timedelta(days=28)
"""How far back visits are looked through for a page or a product, unless the address says from when on."""
STEPS = {
    Step.VISIT: "all visits",
    Step.PRODUCT: "to a product",
    Step.CART: "to the cart",
    Step.CHECKOUT: "to checkout",
    Step.ORDER: "to an order",
    Step.PAID: "to a paid order",
}


class VisitFilter(DropdownFilter):
    """How far visits came, in the sidebar; and all else that a figure says of its visits, which stands in the chips.

    What has no field in the sidebar is kept out of `used_parameters`: so the theme sends it on with the others.
    """

    title = "how far they came"
    parameter_name = "reached"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in (*Dimension, *BEGAN, COUNTED):
            params.pop(name, None)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(step.value, title) for step, title in STEPS.items() if step is not Step.VISIT]

    def queryset(self, request: HttpRequest, queryset: QuerySet[VisitorSession]) -> QuerySet[VisitorSession]:
        filters, step = filters_in(request.GET), step_in(request.GET)
        found = with_values(queryset, filters, span_in(request.GET, *BEGAN))
        if request.GET.get(COUNTED) == YES:
            found = found.filter(counted_only())
        if step is not Step.VISIT:
            found = found.filter(fulfilling(REACHED[step], {}))
        return found_once(found, queryset) if filters or step is not Step.VISIT else found


def step_in(query: Mapping[str, str]) -> Step:
    """How far the visits came that an address asks for.

    Raises:
        IncorrectLookupParameters: there is no such step.
    """
    try:
        return Step(query.get("reached") or Step.VISIT)
    except ValueError as error:
        raise IncorrectLookupParameters(error) from error


def with_values(visits: QuerySet[VisitorSession], filters: Filters, span: Span) -> QuerySet[VisitorSession]:
    """The visits that began in the span and have all the values."""
    start = beginning(filters, span)
    if start:
        visits = visits.filter(started_at__gte=start)
    if span.until:
        visits = visits.filter(started_at__lt=span.until)
    if not filters:
        return visits
    end = span.until or now()
    return visits.filter(fulfilling(*conditions(filters, start=start or end, end=end)))


def beginning(filters: Filters, span: Span) -> datetime | None:
    """When the first of the visits may have begun; None for any time."""
    if span.start or EVENTS.keys().isdisjoint(filters):
        return span.start
    return (span.until or now()) - USUAL


def visit_chips(query: Mapping[str, str]) -> Iterator[Chip]:
    """What an address says of the visits, in words.

    Raises:
        IncorrectLookupParameters: it asks for what cannot be.
    """
    filters, step = filters_in(query), step_in(query)
    yield from dimension_chips(filters)
    if step is not Step.VISIT:
        yield Chip("Came", STEPS[step], ("reached",))
    span = span_in(query, *BEGAN)
    if shown := Span(beginning(filters, span), span.until):
        yield Chip("Began", str(shown), BEGAN)
    if query.get(COUNTED) == YES:
        yield Chip("Visits", "as figures count them", (COUNTED,))


def dimension_chips(filters: Filters) -> Iterator[Chip]:
    """A chip a dimension; a product goes by its name."""
    for dimension, value in filters.items():
        shown = product_name(value) if dimension is Dimension.PRODUCT else value
        yield Chip(str(dimension.label), shown, (dimension.value,))


def product_name(value: str) -> str:
    """The name of the product with this id; the id if there is none."""
    key = as_uuid(value)
    return Product.objects.filter(pk=key).values_list("name", flat=True).first() or value if key else value

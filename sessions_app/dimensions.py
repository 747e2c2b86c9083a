"""What visits are told apart by, and how far they came: the same for figures, filters and lists.

A filter is a value of a dimension, as the figures call it: `(none)` is one that a visit leaves empty, or calls so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.expressions import RawSQL

NONE, OTHER = "(none)", "(other)"
LONGEST = 512
"""Characters by which values are told apart; longer ones are cut."""
LIFE = timedelta(hours=24)
"""Of a visit, and of an event until it must have come."""
PARAMETER = re.compile(r"%\((\w+)\)s")


class Dimension(models.TextChoices):
    """What visits, and what they brought, are told apart by."""

    CHANNEL = "channel"
    SOURCE = "source"
    MEDIUM = "medium"
    CAMPAIGN = "campaign"
    REFERRER = "referrer"
    LANDING_PAGE = "landing_page"
    COUNTRY = "country"
    CITY = "city"
    DEVICE = "device"
    BROWSER = "browser"
    OS = "os"
    PRODUCT = "product"
    PAGE = "page"


TOUCHED = {
    Dimension.CHANNEL: "channel",
    Dimension.SOURCE: "utm_source",
    Dimension.MEDIUM: "utm_medium",
    Dimension.CAMPAIGN: "utm_campaign",
    Dimension.REFERRER: "referrer_host",
    Dimension.LANDING_PAGE: "landing_page",
}
"""What a touch says of a dimension."""
COLUMNS = TOUCHED | {
    Dimension.LANDING_PAGE: f"left(landing_page, {LONGEST})",
    **{
        name: str(name)
        for name in (Dimension.COUNTRY, Dimension.CITY, Dimension.DEVICE, Dimension.BROWSER, Dimension.OS)
    },
}
"""Where a visit keeps it. Landing pages are cut as in the rows of days."""
EVENTS = {Dimension.PAGE: ("page_view", "page"), Dimension.PRODUCT: ("product_view", "product_id::text")}
"""Which events tell it, and where."""
Filters = Mapping[Dimension, str]


class Step(StrEnum):
    """How far a visit came. One that reached a step has reached all before it (docs/metrics.md)."""

    VISIT = "visit"
    PRODUCT = "product"
    CART = "cart"
    CHECKOUT = "checkout"
    ORDER = "order"
    PAID = "paid"


PAID = "converted"
ORDER = f"order_id IS NOT NULL OR {PAID}"
CHECKOUT = f"checkouts_started > 0 OR {ORDER}"
CART = f"cart_additions > 0 OR {CHECKOUT}"
PRODUCT = f"product_views > 0 OR {CART}"
REACHED = {
    Step.VISIT: "true",
    Step.PRODUCT: PRODUCT,
    Step.CART: CART,
    Step.CHECKOUT: CHECKOUT,
    Step.ORDER: ORDER,
    Step.PAID: PAID,
}
"""The condition on a visit that it came so far."""


def filters_in(query: Mapping[str, str]) -> dict[Dimension, str]:
    """The filters that an address asks for, `?source=newsletter&device=mobile`; what is no dimension is left alone."""
    found = {dimension: query.get(dimension, "").replace("\x00", "")[:LONGEST] for dimension in Dimension}
    return {dimension: value for dimension, value in found.items() if value}


def conditions(filters: Filters, *, start: datetime, end: datetime) -> tuple[str, dict[str, Any]]:
    """The filters as a condition on the table of visits, and its parameters; `true` without any.

    A product or page is one that was looked at in the visit. For these the visits began from `start` on and before
    `end`: so only the events of that time are read.
    """
    is_of_visit = {name: column_is if name in COLUMNS else event_has for name in filters}
    parts = [is_of_visit[name](name, sought(name, value)) for name, value in filters.items()]
    values: dict[str, Any] = {f"of_{name}": value_of(name, value) for name, value in filters.items()}
    bounds = {"events_from": start - LIFE, "events_to": end + LIFE}
    return " AND ".join(parts) or "true", values | bounds


def sought(dimension: Dimension, value: str) -> str:
    """How a column is compared with the value; `(none)` is also what is empty."""
    parameter = f"%(of_{dimension})s"
    return f"IN ({parameter}, '')" if value == NONE and dimension is not Dimension.PRODUCT else f"= {parameter}"


def value_of(dimension: Dimension, value: str) -> str | UUID | None:
    """The value as it is stored; None, which nothing is, for a product that is no id."""
    if dimension is not Dimension.PRODUCT:
        return value
    try:
        return UUID(value)
    except ValueError:
        return None


def column_is(dimension: Dimension, value: str) -> str:
    """The condition that a visit has the value."""
    return f"{COLUMNS[dimension]} {value}"


def event_has(dimension: Dimension, value: str) -> str:
    """The condition that an event of the visit has the value."""
    kind, text = EVENTS[dimension]
    column = text.removesuffix("::text")  # of which PostgreSQL does not know how frequent its values are
    return (
        "session_id IN (SELECT event.session_id FROM sessions_app_sessionevent AS event"  # noqa: S608 - ours
        f" WHERE event_type = '{kind}' AND event.{column} {value}"
        " AND event.timestamp >= %(events_from)s AND event.timestamp < %(events_to)s)"
    )


def fulfilling(sql: str, values: Mapping[str, Any]) -> RawSQL:
    """A condition on visits, with its parameters, as `filter` of a queryset of nothing but visits takes it."""
    ordered = [values[name] for name in PARAMETER.findall(sql)]
    return RawSQL(PARAMETER.sub("%s", sql), ordered, output_field=models.BooleanField())  # noqa: S611 - ours


def counted_only() -> models.Q:
    """The visits that figures count: no bots, and unconfirmed ones only if the shop wants it (docs/metrics.md)."""
    return models.Q(is_bot=False) if settings.COUNT_UNCONFIRMED_SESSIONS else models.Q(is_bot=False, unconfirmed=False)

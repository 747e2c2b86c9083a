"""Addresses of lists of visits: what a figure counts, its link shows."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from core.admin.spans import Span, written
from sessions_app.admin_filters import BEGAN, COUNTED, YES
from sessions_app.dimensions import Filters, Step


def visits_link(filters: Filters, start: datetime, until: datetime, reached: Step) -> str:
    """The list of the visits that a figure counts: begun from `start` on and before `until`, with these values, that
    came so far; no bots, and unconfirmed ones only where the shop counts them.
    """
    asked = values_of(filters) | written(Span(start, until), *BEGAN) | {COUNTED: YES}
    if reached is not Step.VISIT:
        asked["reached"] = reached.value
    return f"{reverse('admin:sessions_app_visitorsession_changelist')}?{urlencode(asked)}"


def values_of(filters: Filters) -> dict[str, str]:
    """The filters as an address says them (`filters_in`)."""
    return {dimension.value: value for dimension, value in filters.items()}

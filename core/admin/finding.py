"""How a list finds rows that no index finds."""

from typing import Any

from django.db.models import QuerySet

FOUND = 1_000
"""Rows that a list goes by the keys of, when it is hard to find them."""


def found_once(rows: QuerySet[Any], among: QuerySet[Any]) -> QuerySet[Any]:
    """The rows of `among` that are in `rows`; if they are few, by their keys.

    A list counts its rows and reads them. What no index finds would be looked for each time, and where few are left
    PostgreSQL reads them by the order of the list, one by one.
    """
    keys = list(rows.order_by().values_list("pk", flat=True)[: FOUND + 1])
    return rows if len(keys) > FOUND else among.filter(pk__in=keys)

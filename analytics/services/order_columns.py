"""Of a day what orders, refunds and customers say. Their rows stay, also where those of visits are gone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import models, transaction

from analytics.hours import orders_of
from analytics.metrics import Number, derived, from_columns
from analytics.models import DailyMetrics, HourlyMetrics
from analytics.services.turns import take_turn

FOLLOWING = ("average_order_value", "net_sales", "payment_success_rate")
"""What follows from these numbers."""


@transaction.atomic
def count_orders(*, day: date) -> None:
    """Counts them anew, in the row that the day has and in those of its hours. What visits brought stays, and when the
    day was computed: that is said of all of it.
    """
    take_turn()
    row, found = DailyMetrics.objects.get(date=day), orders_of(day)
    sums: dict[str, Any] = {name: sum(hour[name] for hour in found.values()) for name in next(iter(found.values()))}
    follows = derived(replace(from_columns(vars(row)), **sums))
    numbers = sums | {name: follows[name] for name in FOLLOWING}
    DailyMetrics.objects.filter(date=day).update(**changed(row, numbers))
    for hour in HourlyMetrics.objects.filter(hour__in=found):
        HourlyMetrics.objects.filter(hour=hour.hour).update(**changed(hour, found[hour.hour]))


def changed(row: models.Model, numbers: Mapping[str, Number]) -> dict[str, Number]:
    """Those that differ."""
    return {name: number for name, number in numbers.items() if getattr(row, name) != number}

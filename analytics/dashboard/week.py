"""The hours of the week: when visits come, and orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from analytics.dashboard.beside import Question
from analytics.dashboard.reading import Reading
from analytics.figures import written
from analytics.metrics import Kind
from analytics.slices import hours_of_week
from core.money import money_string

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHADES = 5


def week(reading: Reading, request: HttpRequest) -> dict[str, Any]:
    """Visits of each hour of the week, in shades, and the busiest hour as a sentence."""
    found = reading.answer(hours(reading))
    most = max(found, key=lambda hour: hour["visits"])
    rows = [
        {"day": day, "hours": [shaded(hour, most["visits"]) for hour in found[24 * number : 24 * number + 24]]}
        for number, day in enumerate(WEEKDAYS)
    ]
    return {"rows": rows, "busiest": named(most) if most["visits"] else "", "range": range(24), "shades": range(SHADES)}


def hours(reading: Reading) -> Question[list[dict[str, Any]]]:
    """What the hours are read by."""
    return "week", lambda: hours_of_week(reading.window, reading.asked.filters)


def shaded(hour: dict[str, Any], most: int) -> dict[str, Any]:
    """An hour with its shade, 0 for nothing."""
    shade = -(-(SHADES - 1) * hour["visits"] // most) if most else 0
    return {"shade": shade, "visits": hour["visits"], "orders": hour["orders"]}


def named(hour: dict[str, Any]) -> str:
    """`Tue 14:00: 120 visits, 3 orders, £120.00`."""
    orders, sales = written(hour["orders"], Kind.COUNT), written(hour["sales"], Kind.MONEY)
    day = WEEKDAYS[hour["weekday"] - 1]
    return f"{day} {hour['hour']:02}:00: {written(hour['visits'], Kind.COUNT)} visits, {orders} orders, {sales}"


def lines_of_week(reading: Reading) -> Iterable[dict[str, Any]]:
    """A line an hour, Monday's first hour first."""
    return [hour | {"sales": money_string(hour["sales"])} for hour in reading.answer(hours(reading))]

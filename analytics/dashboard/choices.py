"""What can be chosen on the page: periods, comparisons, filters to take away. All are links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from analytics.dashboard.asked import CUSTOM, LAST_MONTH, MONTH, YEAR, YESTERDAY, Asked
from analytics.dashboard.reading import Reading
from analytics.dashboard.values import COUNTRIES
from analytics.periods import Compare
from analytics.selectors import product_names
from core.clock import shop_day
from sessions_app.dimensions import Dimension

PERIODS = {
    "today": ("Today", "d"),
    "7": ("7 days", "w"),
    "28": ("28 days", "f"),
    "90": ("90 days", "n"),
    MONTH: ("This month", "m"),
}
MORE_PERIODS = {
    YESTERDAY: ("Yesterday", "e"),
    LAST_MONTH: ("Last month", "b"),
    YEAR: ("This year", "y"),
    "364": ("52 weeks", "k"),
}
COMPARISONS = {
    Compare.WEEKDAYS: "the period before, same weekdays",
    Compare.PREVIOUS: "the days right before",
    Compare.YEAR: "a year earlier, same weekdays",
    Compare.NONE: "nothing",
}


def choices(reading: Reading) -> dict[str, Any]:
    """Links by what they change."""
    asked = reading.asked
    return {
        "periods": periods(asked, PERIODS),
        "more_periods": periods(asked, MORE_PERIODS),
        "comparisons": [
            {"title": title, "link": asked.link(compare=each), "on": each == asked.compare, "value": str(each)}
            for each, title in COMPARISONS.items()
        ],
        "compare_or_not": asked.link(compare=Compare.NONE if asked.compare != Compare.NONE else Compare.WEEKDAYS),
        "earlier": earlier(reading),
        "later": later(reading),
        "chips": chips(asked),
        "unfiltered": asked.link(filters={}) if asked.filters else "",
        "kept_for_custom": {**asked.query(), "period": CUSTOM, "from": "", "to": ""},
        "is_custom": asked.period == CUSTOM or asked.period in MORE_PERIODS,
    }


def periods(asked: Asked, named: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Periods with a name, each with its key."""
    return [
        {
            "title": title,
            "key": key,
            "link": asked.link(period=period, first=None, last=None),
            "on": period == asked.period,
        }
        for period, (title, key) in named.items()
    ]


def earlier(reading: Reading) -> str:
    """As many days right before."""
    window = reading.window
    return reading.asked.of_days(window.first - timedelta(days=len(window.days)), window.first - timedelta(days=1))


def later(reading: Reading) -> str:
    """As many days right after, as far as they have come; empty after today."""
    window, today = reading.window, shop_day(reading.now)
    if window.last >= today:
        return ""
    first = window.last + timedelta(days=1)
    return reading.asked.of_days(first, min(first + timedelta(days=len(window.days) - 1), today))


def chips(asked: Asked) -> list[dict[str, str]]:
    """The filters, each with the link that takes it away."""
    return [
        {
            "title": dimension.label,
            "value": value_text(dimension, value),
            "link": asked.without(dimension),
        }
        for dimension, value in asked.filters.items()
    ]


def value_text(dimension: Dimension, value: str) -> str:
    """A value as people read it."""
    if dimension is Dimension.PRODUCT:
        return product_names([value]).get(value, value)
    return COUNTRIES.get(value, value) if dimension is Dimension.COUNTRY else value

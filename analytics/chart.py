"""One metric by day, as a chart, a sentence and a table."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.figures import Change, change, written
from analytics.metrics import DERIVED, Kind, Metric, Number, Totals
from analytics.models import DailyMetrics
from analytics.periods import Window

BLUE, GREY = "#0072B2", "#7c8594"
TICKS = GREY
AXIS = {"border": {"display": False}, "grid": {"drawTicks": False}}
OPTIONS = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {
            "display": True,
            "align": "end",
            "labels": {"color": TICKS, "boxHeight": 1, "boxWidth": 24},
        }
    },
    "scales": {
        "x": AXIS
        | {
            "grid": {"display": False},
            "ticks": {"color": TICKS, "maxRotation": 0, "maxTicksLimit": 8, "autoSkipPadding": 12},
        },
        "y": AXIS | {"beginAtZero": True, "ticks": {"color": TICKS, "maxTicksLimit": 5, "padding": 8}},
    },
}
"""They replace unfold's own, so all are said. `grid` must be there: unfold colours it with the theme."""


@dataclass(frozen=True)
class Point:
    """A day and the day it is compared with."""

    day: date
    value: Number
    text: str
    before_day: date
    before: Number
    before_text: str
    change: Change


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    title: str
    sentence: str
    points: list[Point]
    data: str
    options: str
    whole: bool


def chart(metric: Metric, current: Window, before: Window, stored: dict[date, DailyMetrics], today: Totals) -> Chart:
    """The metric over the days of a window, the compared window behind it. `today` is the last day so far."""
    value = reader(metric, stored, current.last, today)
    points = [
        point(metric, day, value(day), other, value(other))
        for day, other in zip(current.days, before.days, strict=True)
    ]
    return Chart(
        title=f"{metric.title} by day",
        sentence=sentence(metric, points, whole=current.is_whole),
        points=points,
        data=json.dumps(
            {
                "labels": [f"{point.day:%-d %b}" for point in points],
                "datasets": datasets(metric, points, whole=current.is_whole),
            }
        ),
        options=json.dumps(OPTIONS),
        whole=current.is_whole,
    )


def reader(metric: Metric, stored: dict[date, DailyMetrics], last: date, today: Totals) -> Callable[[date], Number]:
    """A function from a day to the metric's value: counted so far for the last day, stored for the rest."""

    def value(day: date) -> Number:
        if day == last and metric.of_totals:
            return metric.of_totals(today)
        return getattr(stored[day], metric.name) if day in stored else 0

    return value


def point(metric: Metric, day: date, value: Number, before_day: date, before: Number) -> Point:
    """A day beside the one it is compared with."""
    texts = written(value, metric.kind), written(before, metric.kind)
    return Point(day, value, texts[0], before_day, before, texts[1], change(value, before, metric.kind))


def datasets(metric: Metric, points: list[Point], *, whole: bool) -> list[dict[str, Any]]:
    """Whole days solid, the step to today dashed if the last day is not over, the compared days thin behind."""
    values, before = [plain(p.value) for p in points], [plain(p.before) for p in points]
    so_far = [None] * (len(values) - 2) + values[-2:]
    line = {"borderColor": BLUE, "backgroundColor": BLUE, "borderWidth": 2, "pointRadius": 0, "pointHitRadius": 12}
    grey = {"borderColor": GREY, "backgroundColor": GREY, "borderWidth": 1}
    unfinished = [] if whole else [line | {"label": "Today so far", "data": so_far, "borderDash": [3, 4]}]
    return [
        line | {"label": metric.title, "data": values if whole else [*values[:-1], None]},
        *unfinished,
        line | grey | {"label": "Period before", "data": before},
    ]


def plain(value: Number) -> float | int:
    """A number that JSON has."""
    return value if isinstance(value, int) else round(float(value), 2)


def sentence(metric: Metric, points: list[Point], *, whole: bool) -> str:
    """What the chart shows, for those who do not see it or want it short. Whole days only."""
    days = points if whole else points[:-1]
    end = "" if whole else " Today is not over."
    best = max(days, key=lambda point: point.value)
    if not best.value:
        return f"{metric.title} by day: none in {len(days)} whole days."
    most = f"{metric.title} by day: most on {best.day:%A %-d %B} with {best.text}"
    if metric.kind is Kind.RATE or metric.of_totals is None or metric in DERIVED:
        return f"{most}; {days[-1].text} on {days[-1].day:%A %-d %B}.{end}"
    total = sum(point.value for point in days)
    moved = change(total, sum(point.before for point in days), metric.kind)
    amount = moved.text.lstrip("+−")
    compared = {"no change": "as in", "new": "none in"}.get(moved.word, f"{amount} {moved.word} on")
    text = f"{written(total, metric.kind)} in {len(days)} whole days, {compared} the period before"
    return f"{most}; {text}.{end}"

"""Notes on days, as charts show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max

from analytics.chart import Chart
from analytics.drawing import WIDTH, across
from analytics.models import Annotation
from analytics.periods import Window

MOST = 26
"""On one chart, the latest ones: each has a letter of its own."""


@dataclass(frozen=True)
class Note:
    """A note with the letter that stands for it on the chart, and where: in percent from the left."""

    letter: str
    left: float
    annotation: Annotation


def notes_on(chart: Chart, window: Window) -> list[Note]:
    """The notes on the days of a chart, in the order of time. One by hour has them at its begin."""
    found = Annotation.objects.filter(day__range=(window.first, window.last)).select_related("made_by")[:MOST]
    places = {spot.day: number for number, spot in reversed(list(enumerate(chart.spots)))}
    return [
        Note(chr(ord("A") + number), round(100 * across(places[each.day], len(chart.spots)) / WIDTH, 1), each)
        for number, each in enumerate(reversed(found))
    ]


def version() -> str:
    """Another one after every change of a note: what is kept of a chart without it is not shown."""
    state = Annotation.objects.aggregate(count=Count("id"), at=Max("changed_at"))
    return f"{state['count']} {state['at']}"

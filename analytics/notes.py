"""Notes on days, as charts show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def notes_of(window: Window) -> list[Annotation]:
    """The notes on its days, the latest first."""
    return list(Annotation.objects.filter(day__range=(window.first, window.last)).select_related("made_by"))


def notes_on(chart: Chart, found: Sequence[Annotation]) -> list[Note]:
    """The latest of these on a chart of their days, in the order of time. One by hour has them at its begin."""
    places = {spot.day: number for number, spot in reversed(list(enumerate(chart.spots)))}
    return [
        Note(chr(ord("A") + number), round(100 * across(places[each.day], len(chart.spots)) / WIDTH, 1), each)
        for number, each in enumerate(reversed(found[:MOST]))
    ]


def version(found: Sequence[Annotation]) -> str:
    """Another one after every change of these: what is kept of a chart without it is not shown."""
    return f"{len(found)} {max((each.changed_at for each in found), default='')}"

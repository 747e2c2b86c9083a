"""What the tiles of a page have in common, read when the first one asks and only once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from analytics.cards import PLOTTED
from analytics.dashboard.asked import Asked
from analytics.metrics import Metric
from analytics.periods import Window
from analytics.selectors import Rows, Value, rows_of, top_values
from analytics.slices import Slice, slice_of
from core.clock import shop_day

LATE = timedelta(minutes=15)
"""Three runs of the job that computes today."""


class Reading:
    """A page as asked for, at an instant."""

    def __init__(self, asked: Asked, *, now: datetime) -> None:
        self.asked = asked
        self.now = now
        self.window = asked.window(now=now)
        self.window_before = asked.before(now=now)

    @property
    def rows(self) -> int:
        """How many a table of values has."""
        return int(self.asked.rows)

    @property
    def plotted(self) -> Metric:
        """The metric in the chart."""
        return PLOTTED[self.asked.plot]

    @cached_property
    def current(self) -> Slice:
        """What the window brought."""
        return self._slice(self.window)

    @cached_property
    def before(self) -> Slice | None:
        """What the window before brought; None if there is none to compare with."""
        return self._slice(self.window_before) if self.window_before else None

    def _slice(self, window: Window) -> Slice:
        return slice_of(
            window,
            self.asked.filters,
            stored={} if self.asked.filters else self.stored,
            known_until=self.now,
            with_visitors=self.plotted.of_totals is None,
        )

    @cached_property
    def stored(self) -> Rows:
        """The stored rows of both windows."""
        return rows_of([self.window, *([self.window_before] if self.window_before else [])])

    @property
    def computed_at(self) -> datetime | None:
        """When the stored rows of the window's last day were computed; None if never."""
        row = self.stored.get(self.window.last)
        return row.computed_at if row else None

    @cached_property
    def top_values(self) -> Mapping[str, list[Value]]:
        """The largest values of the dimensions that the tables show, of all visits."""
        return top_values(self.window, list(self.asked.tables.values()), self.rows)

    @property
    def is_late(self) -> bool:
        """Whether what is stored of today is older than the job that computes it should let it become."""
        is_open = self.window.last == shop_day(self.now)
        return is_open and (self.computed_at is None or self.now - self.computed_at > LATE)

"""What the tiles of a page have in common, read when the first one asks and only once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

from django.utils.functional import cached_property

from analytics.cards import PLOTTED
from analytics.dashboard.asked import Asked
from analytics.dashboard.beside import Answer, Question
from analytics.metrics import Metric
from analytics.models import Annotation
from analytics.notes import notes_of
from analytics.periods import Window
from analytics.selectors import Rows, rows_of, waiting_days
from analytics.slices import Slice, slice_of
from core.clock import shop_day

T = TypeVar("T")
LATE = timedelta(minutes=15)
"""Three runs of the job that computes today."""


class Reading:
    """A page as asked for, at an instant."""

    def __init__(self, asked: Asked, *, now: datetime) -> None:
        self.asked = asked
        self.now = now
        self.window = asked.window(now=now)
        self.window_before = asked.before(now=now)
        self.begun: dict[str, Answer[object]] = {}

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
        return self.answer(self.question_before)

    @property
    def question_before(self) -> Question[Slice | None]:
        """What the window before brought. Filtered visits take long to count."""
        return "before", lambda: self._slice(self.window_before) if self.window_before else None

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
        return rows_of(self.windows)

    @property
    def windows(self) -> list[Window]:
        """The window, and the one before where there is one."""
        return [self.window, *([self.window_before] if self.window_before else [])]

    @cached_property
    def waiting(self) -> list[date]:
        """Days before today whose figures are missing or old; yesterday may wait for the job that makes it final. Of
        filtered visits nothing is stored.
        """
        before = shop_day(self.now - LATE)
        return [] if self.asked.filters else waiting_days(self.windows, self.stored, before=before)

    @cached_property
    def annotations(self) -> list[Annotation]:
        """The notes on the window's days."""
        return notes_of(self.window)

    @property
    def computed_at(self) -> datetime | None:
        """When the stored rows of the window's last day were computed; None if never."""
        row = self.stored.get(self.window.last)
        return row.computed_at if row else None

    def begin(self, questions: Iterable[Question[Any]]) -> None:
        """Asks beside what will be wanted."""
        for name, ask in questions:
            if name not in self.begun:
                self.begun[name] = Answer(ask)

    def answer(self, question: Question[T]) -> T:
        """The answer, asked now if it was not begun."""
        name, ask = question
        return cast(T, self.begun[name].value) if name in self.begun else ask()

    @property
    def is_late(self) -> bool:
        """Whether what is stored of today is older than the job that computes it should let it become."""
        is_open = self.window.last == shop_day(self.now)
        return is_open and (self.computed_at is None or self.now - self.computed_at > LATE)

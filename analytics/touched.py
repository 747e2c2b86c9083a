"""Days that an import changes."""

from __future__ import annotations

from datetime import date

from django.core.management.base import OutputWrapper

from analytics.services import aggregate_day, mark_dirty
from core.clock import now
from core.terminal import progress


class TouchedDays:
    """Collects the days whose numbers an import changes, and computes them when it is over."""

    def __init__(self) -> None:
        self.days: set[date] = set()

    def add(self, days: set[date]) -> None:
        """Marks days, in the transaction that changes them: should the import not come to their numbers any more, the
        next run of the job does.
        """
        mark_dirty(days=days)
        self.days |= days

    def compute(self, stderr: OutputWrapper) -> list[date]:
        """Computes the numbers of the days, with a progress bar; returns the days. Says which are frozen."""
        days, frozen = sorted(self.days), []
        with progress("Metrics of the days", total=len(days), stderr=stderr) as bar:
            for number, day in enumerate(days, start=1):
                if aggregate_day(day=day, now=now()).is_frozen:
                    frozen.append(str(day))
                bar.reached(number)
        if frozen:
            stderr.write(f"Frozen days had their orders counted, and keep all other numbers: {', '.join(frozen)}.")
        return days

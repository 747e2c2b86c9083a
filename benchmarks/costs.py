"""Processor time by program: on a machine that others use too it is steadier than what the clock says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil
from django.db import connection

Used = Callable[[], float]
"""Seconds that a program has used so far."""


def family_seconds(process: psutil.Process) -> float:
    """Seconds that a process and those that it started have used so far, also those that have ended."""
    return sum(map(own_seconds, (*process.children(recursive=True), process)))


def own_seconds(process: psutil.Process) -> float:
    """Seconds of one process and of its children that have ended. One that ends now is counted by its parent."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0


def postgresql() -> psutil.Process:
    """The benchmarks' PostgreSQL, of which every connection is a process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process((cursor.fetchone() or [0])[0]).parents()[0]


@dataclass
class Meter:
    """What programs use from now on."""

    programs: Mapping[str, Used]
    before: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.before = {name: used() for name, used in self.programs.items()}

    def notes(self, count: int, unit: str) -> dict[str, float]:
        """What each has used, for one of `count` units."""
        spent = {name: used() - self.before[name] for name, used in self.programs.items()}
        return {f"{name} CPU ms {unit}": 1000 * seconds / count for name, seconds in spent.items()}

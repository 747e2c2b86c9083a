"""docs/security.md names files and tests that exist, and each requirement once."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from config.embedded import PROJECT

GUIDE = PROJECT / "docs" / "security.md"
NAMED = re.compile(r"`((?:[\w.]+/)+[\w.-]+\.(?:py|md|js|yml|toml))(?:::(\w+))?`")
ROW = re.compile(r"^\| (\d[^|]*) \|", re.MULTILINE)
NUMBER = re.compile(r"\d+\.\d+\.\d+")


def missing(text: str) -> list[str]:
    """What the text names and is not there."""
    files = {name: PROJECT / name for name, _test in NAMED.findall(text)}
    absent = [name for name, file in files.items() if not file.is_file()]
    tests = [(name, test) for name, test in NAMED.findall(text) if test and files[name].is_file()]
    return absent + [f"{name}::{test}" for name, test in tests if f"def {test}(" not in files[name].read_text("utf-8")]


def test_every_file_and_every_test_that_it_names_exists() -> None:
    text = GUIDE.read_text("utf-8")
    assert len(NAMED.findall(text)) > 100
    assert missing(text) == []


@pytest.mark.parametrize("name", ["`tests/core/test_nothing.py`", "`tests/core/test_api.py::test_nothing`"])
def test_control_a_name_of_nothing_is_noticed(name: str) -> None:
    assert missing(name) == [name.strip("`")]


def test_each_requirement_has_one_line() -> None:
    numbers = [number for row in ROW.findall(GUIDE.read_text("utf-8")) for number in NUMBER.findall(row)]
    assert [number for number, times in Counter(numbers).items() if times > 1] == []
    assert len(numbers) > 180


WITHOUT = ("n/a", "**yours**", "**not met**", "](")
"""Why a line may have no test; the last, because it is about what a page says."""


def without_a_test(text: str) -> list[str]:
    """The lines that name neither a test nor why there is none."""
    lines = [line.split("|") for line in text.splitlines() if ROW.match(line)]
    return [cells[1].strip() for cells in lines if "tests/" not in cells[4] and not any(w in cells[3] for w in WITHOUT)]


def test_every_line_names_a_test_or_why_there_is_none() -> None:
    assert without_a_test(GUIDE.read_text("utf-8")) == []


def test_control_a_line_without_either_is_noticed() -> None:
    assert without_a_test("| 1.2.3 | safety | it is safe | – |") == ["1.2.3"]


def test_every_chapter_is_there() -> None:
    chapters = re.findall(r"^## V(\d+) ", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert chapters == [str(number) for number in range(1, 18)]

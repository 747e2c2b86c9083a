"""docs/promises.md: every test that it names is there, so that the page promises nothing that nobody looks at; and
every control of a race, a fault or an attack stands on it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "promises.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]


CONTROLLED = ("tests/faults/test_*.py", "tests/promises/test_*.py", "tests/security/test_*.py", "tests/**/*_races.py")
CONTROL = re.compile(r"test_(the_)?control")


@cache
def those_in(file: str) -> frozenset[str]:
    """The tests that stand in a file."""
    tree = ast.parse((ROOT / file).read_text()) if (ROOT / file).is_file() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def is_there(name: str) -> bool:
    """Whether there is such a test: `file::test`."""
    file, _, test = name.partition("::")
    return test.startswith("test_") and test in those_in(file)


def test_every_test_that_is_named_is_there() -> None:
    assert len(NAMED) > len(ROWS)
    assert [name for name in NAMED if not is_there(name)] == []


def test_every_promise_names_a_test() -> None:
    for row in ROWS:
        promise, tests, *_figure_and_control = row.strip("| ").split(" | ")
        assert "`tests/" in tests, promise


def test_the_control_a_test_that_is_not_there_is_missed() -> None:
    here = "tests/docs/test_promises.py"
    assert is_there(f"{here}::test_every_promise_names_a_test")
    assert not is_there(f"{here}::test_nobody_wrote_this")
    assert not is_there("tests/docs/test_nothing.py::test_every_promise_names_a_test")


def unnamed(files: Iterable[Path], page: str) -> list[str]:
    """Controls in these files that the page does not name."""
    there = [f"{file.relative_to(ROOT)}::{test}" for file in files for test in those_in(str(file.relative_to(ROOT)))]
    return sorted(test for test in there if CONTROL.match(test.partition("::")[2]) and f"`{test}`" not in page)


def test_every_control_of_a_race_a_fault_or_an_attack_is_named() -> None:
    files = [file for pattern in CONTROLLED for file in ROOT.glob(pattern)]
    assert len(files) > 30
    assert unnamed(files, PAGE) == []


def test_the_control_a_control_that_is_not_named_is_missed() -> None:
    here = Path(__file__)
    assert unnamed([here], "") == [
        f"tests/docs/test_promises.py::test_the_control_{rest}"
        for rest in ("a_control_that_is_not_named_is_missed", "a_test_that_is_not_there_is_missed")
    ]

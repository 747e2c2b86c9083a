"""docs/promises.md: every test that it names is there, so that the page promises nothing that nobody looks at."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "promises.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::[\w:]+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))]


@cache
def tests_of(file: str) -> set[str]:
    """The tests that stand in a file, those of a class by `Class::test`."""
    found: set[str] = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + each.name for each in inside if isinstance(each, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert test.split("::")[-1].startswith("test_")
    assert test in tests_of(file)


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_promise_names_a_test(row: str) -> None:
    promise, tests, *_figure_and_control = row.strip("| ").split(" | ")
    assert "tests/" in tests, promise


def test_the_control_a_test_that_is_not_there_is_missed() -> None:
    assert "test_nobody_wrote_this" not in tests_of("tests/docs/test_promises.py")
    assert "test_every_promise_names_a_test" in tests_of("tests/docs/test_promises.py")

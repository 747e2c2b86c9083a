"""Beat alone puts jobs into queues: a request that did would lose its work with Redis, or hang with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from config.embedded import PROJECT

PUBLISHES = {"delay", "apply_async", "send_task"}
"""What Celery publishes a job by."""
BY_BEAT = {"config/beat.py"}
NO_PART_OF_THE_SHOP = {"tests", "benchmarks", "var"}


def published_by(source: str) -> list[str]:
    """The calls by which this text publishes jobs."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in PUBLISHES]


def sources() -> dict[str, Path]:
    """Every file of ours that the shop runs."""
    folders = [each for each in PROJECT.iterdir() if each.name not in NO_PART_OF_THE_SHOP and each.name[0] != "."]
    return {str(file.relative_to(PROJECT)): file for folder in folders for file in folder.rglob("*.py")}


def test_nothing_but_beat_publishes_a_job() -> None:
    found = {name: calls for name, file in sources().items() if (calls := published_by(file.read_text()))}
    assert found.keys() == BY_BEAT, f"work for later is a row that a job claims: {found}"


def test_the_search_goes_through_all_apps() -> None:
    assert {"orders/services/placing.py", "checkout/api.py", "core/tasks.py", "config/schedule.py"} <= sources().keys()


@pytest.mark.parametrize(
    "line",
    ["send.delay(3)", "tasks.send.apply_async(args=[3])", "app.send_task('orders.send')"],
)
def test_control_a_view_that_publishes_is_found(line: str) -> None:
    assert published_by(f"def post(request):\n    {line}\n") != []

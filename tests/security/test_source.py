"""What stands in none of our files, but for places that somebody has looked at."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import FileField

from config.embedded import PROJECT

NO_PART_OF_THE_SHOP = {"tests", "benchmarks", "var"}
LOOKED_AT = {
    "core/admin/toolkit.py": 2,  # a row's box, whose key is escaped; a table, drawn by a template
    "customers/admin_second.py": 1,  # the squares of a QR code
    "orders/order_page.py": 1,  # "<br>"
    "templates/analytics/tile.html": 1,  # what a template drew
}
"""Where text is said to be HTML, and how often."""
TEMPLATE_SAYS_SAFE = re.compile(r"\|\s*safe(?:seq)?\b|autoescape off")
STARTS = {"subprocess", "os.system", "os.popen", "os.spawnv", "os.execv", "pty"}
RUNS_WHAT_IT_READS = {"eval", "exec", "compile", "pickle", "marshal", "shelve", "yaml"}


def files(ending: str) -> dict[str, Path]:
    """All of this kind that the shop runs or shows, by their names within the project."""
    folders = [each for each in PROJECT.iterdir() if each.name not in NO_PART_OF_THE_SHOP and each.name[0] != "."]
    return {str(file.relative_to(PROJECT)): file for folder in folders for file in folder.rglob(f"*{ending}")}


def used(source: str) -> Iterator[str]:
    """What a Python text imports and calls, as `module`, `module.name` or `name`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(func=ast.Name(id=name)):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                yield f"{module}.{name}"


def marked_safe(name: str, source: str) -> int:
    """How often this file says of a text that it is HTML."""
    if name.endswith(".py"):
        return sum(word in ("mark_safe", "SafeString", "html_safe") for word in used(source))
    return len(TEMPLATE_SAYS_SAFE.findall(source))


def starts_a_process(source: str) -> bool:
    return not STARTS.isdisjoint(used(source))


def runs_what_it_reads(source: str) -> bool:
    return not RUNS_WHAT_IT_READS.isdisjoint(used(source))


def weak_hashes(source: str) -> list[str]:
    """Calls of MD5 and SHA-1 that do not say that nothing is secured by them."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    weak = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in ("md5", "sha1")]
    harmless = "usedforsecurity=False"
    return [found for call in weak if harmless not in (found := ast.unparse(call))]


def python_in_which(holds: Callable[[str], object]) -> set[str]:
    return {name for name, file in files(".py").items() if holds(file.read_text())}


def test_text_is_said_to_be_html_in_reviewed_places_alone() -> None:
    both = files(".py") | files(".html")
    found = {name: number for name, file in both.items() if (number := marked_safe(name, file.read_text()))}
    assert found == LOOKED_AT


def test_nothing_that_a_request_reaches_starts_a_process() -> None:
    assert {name for name in python_in_which(starts_a_process) if not name.startswith("config/")} == set()


def test_nothing_that_is_read_is_run_but_what_we_signed() -> None:
    assert python_in_which(runs_what_it_reads) == {"core/signed_cache.py"}


def test_nothing_is_secured_by_md5_or_sha1() -> None:
    assert python_in_which(weak_hashes) == set()


def test_no_upload_is_kept_to_be_served() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.get_fields()]
    assert [field for field in fields if isinstance(field, FileField)] == []
    assert settings.MEDIA_ROOT == ""


def test_neither_history_nor_secrets_come_into_the_image() -> None:
    assert {".git", ".env", "var"} <= set((PROJECT / ".dockerignore").read_text().split())


def test_lines_go_to_the_stream_alone() -> None:
    handlers = settings.LOGGING["handlers"]
    assert {name: handler["class"] for name, handler in handlers.items()} == {"console": "logging.StreamHandler"}


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (lambda source: marked_safe("page.py", source), "from django.utils import safestring\nx = mark_safe(name)"),
        (lambda source: marked_safe("page.html", source), "<p>{{ name|safe }}</p>"),
        (lambda source: marked_safe("page.html", source), "{% autoescape off %}{{ name }}{% endautoescape %}"),
        (starts_a_process, "import subprocess"),
        (starts_a_process, "import os\nos.system(name)"),
        (runs_what_it_reads, "eval(request.GET['x'])"),
        (runs_what_it_reads, "from pickle import loads"),
        (weak_hashes, "import hashlib\nhashlib.md5(token)"),
        (weak_hashes, "from hashlib import sha1\nsha1(token)"),
    ],
)
def test_control_one_more_place_is_found(search: Callable[[str], object], source: str) -> None:
    assert search(source)

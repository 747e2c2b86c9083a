"""The migrations of our apps, in the order in which a shop gets them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.apps import apps
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from config.embedded import PROJECT

Key = tuple[str, str]
"""App and name of a migration."""


@cache
def ours() -> frozenset[str]:
    """The labels of our apps."""
    return frozenset(app.label for app in apps.get_app_configs() if Path(app.path).parent == PROJECT)


@cache
def graph() -> MigrationGraph:
    """As the files have it, whatever is applied."""
    found: MigrationGraph = MigrationLoader(None).graph
    return found


def migration(key: Key) -> Migration:
    found = graph().nodes[key]
    assert found is not None
    return found


def is_first(key: Key) -> bool:
    """Whether it makes tables where nothing can be lost: the first of its app, or one that says so of itself."""
    return key[0] not in ours() or key[1].startswith("0001") or bool(migration(key).initial)


def split() -> tuple[list[Key], list[Key]]:
    """What is applied before there are rows that could be lost, and whatever comes after."""
    ordered: dict[Key, None] = {}
    for leaf in sorted(graph().leaf_nodes()):
        ordered |= dict.fromkeys(graph().forwards_plan(leaf))
    early = [key for key in ordered if all(is_first(before) for before in graph().forwards_plan(key))]
    return early, [key for key in ordered if key not in early]

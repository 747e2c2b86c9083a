"""Upgrades keep data: each migration, over a database that is full of rows, forwards, back, and forwards again."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.db import migrations
from django.db.migrations.operations.base import Operation
from pytest_django import DjangoDbBlocker

from tests.database import another_database
from tests.template import BEGUN, address, template
from tests.upgrades.filling import Filler, tables
from tests.upgrades.plan import Key, graph, migration, split
from tests.upgrades.stories import NOTHING, STORIES
from tests.upgrades.walking import Walk, asked

BEGINNING, LATER = split()
NAME = f"walk_{os.getpid()}"
INVALID = """
SELECT conname FROM pg_constraint WHERE NOT convalidated
UNION SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid
"""
Problems = dict[Key | str, list[str]]


@pytest.fixture(scope="module")
def problems(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Problems:
    """What each migration did that it should not, in a database of its own that was full from the beginning."""
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE {NAME} TEMPLATE "{template(BEGUN)}"')
        with django_db_blocker.unblock(), another_database(NAME):
            found = walked()
        server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    return found


def walked() -> Problems:
    walk = Walk(graph().make_state(nodes=BEGINNING), Filler())
    walk.filler.fill(tables(walk.state.apps))
    found: Problems = {}
    for key in LATER:
        try:
            found[key] = walk.step(migration(key), STORIES.get(key, NOTHING))
        except Exception as error:
            error.add_note(f"The migration is {'.'.join(key)}.")
            raise
    return found | {"invalid": asked(INVALID)}


@pytest.mark.parametrize("key", LATER, ids=".".join)
def test_forwards_back_and_forwards_again_nothing_is_lost(problems: Problems, key: Key) -> None:
    assert problems[key] == []


def test_at_the_end_postgresql_has_looked_at_every_row(problems: Problems) -> None:
    assert problems["invalid"] == []


CONTROLS: dict[str, Operation] = {
    "forwards: core_mail had": migrations.RunSQL("DELETE FROM core_mail", ""),
    "forwards: core_mail has no last_error": migrations.RemoveField("mail", "last_error"),
    "forwards: core_mailtext is gone": migrations.DeleteModel("MailText"),
    "backwards: core_mail had": migrations.RunSQL("", "UPDATE core_mail SET language = 'vi'"),
    "backwards: not as before: core_mail.seen": migrations.RunSQL(
        "ALTER TABLE core_mail ADD IF NOT EXISTS seen boolean", ""
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("problem", "operation"), CONTROLS.items(), ids=CONTROLS)
def test_control_what_is_lost_is_noticed(problem: str, operation: Operation) -> None:
    bad = type("Migration", (migrations.Migration,), {"operations": [operation]})("next", "core")
    walk = Walk(graph().make_state(nodes=graph().leaf_nodes("core")), Filler())
    assert any(found.startswith(problem) for found in walk.step(bad))

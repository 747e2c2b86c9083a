"""`make check`: no migration stands in the way of the release before it, which still serves while it is applied.

What PostgreSQL locks, and what takes something from the old code, squawk reads in the SQL that Django makes of a
migration; rows that are changed are looked at here. A migration that somebody looked at says so itself:

    looked_at = {"require-concurrent-index-creation": "The table has a row for each day."}

No database is asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import connection
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.state import ProjectState

from config.embedded import PROJECT
from config.migrating import indexes_beside
from core.filling import FillInBatches

SQUAWK = Path(sys.executable).parent / "squawk"
POSTGRESQL = "15"
"""The oldest that Footfall runs on."""
BEFORE = {
    "analytics": "0010_annotations",
    "billing_sandbox": "0001_initial",
    "catalog": "0003_product_search",
    "checkout": "0007_known_lapses",
    "core": "0003_mail_texts",
    "customers": "0005_second_factor",
    "orders": "0013_token_hash_without_index",
    "sessions_app": "0005_access_logs",
}
"""The last migrations before there was a release that a shop could serve with: those up to them are not judged."""
SMALL = frozenset(
    {
        *("analytics_alertmute", "analytics_annotation", "analytics_salesgoal", "analytics_staffsubscription"),
        *("catalog_category", "checkout_coupon", "checkout_shippingmethod", "checkout_shippingzone"),
        *("checkout_taxrate", "core_mailtext", "customers_customergroup", "orders_webhookendpoint"),
        *("orders_windowrule", "sessions_app_channelrule", "sessions_app_visitorsalt"),
    }
)
"""Tables that staff fill by hand: whatever is done to them is done at once."""
OF_SIZE = (
    *("require-concurrent-index-creation", "require-concurrent-index-deletion", "constraint-missing-not-valid"),
    *("adding-foreign-key-constraint", "adding-not-nullable-field", "disallowed-unique-constraint"),
    "adding-field-with-default",
)
"""Rules that are about how long something takes."""
NOT_OURS = (
    *("ban-char-field", "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity"),
    *("prefer-robust-stmts", "prefer-text-field", "prefer-timestamptz"),  # Django chooses types and statements
    *("require-lock-timeout", "require-statement-timeout"),  # `config.migrating` sets them
)
BESIDE = (RemoveIndexConcurrently, FillInBatches)
CREATED = re.compile(r'CREATE TABLE "(\w+)"')
NAMED = re.compile(r'\b(?:TABLE|ON|UPDATE|INTO|FROM)\s+(?:ONLY\s+)?"?(\w+)"?', re.IGNORECASE)
BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
CHANGES_ROWS = re.compile(r"^\s*(UPDATE|DELETE|INSERT|MERGE|DO)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a migration: the rule by its name, and what to do."""

    rule: str
    text: str


class Writer(DatabaseSchemaEditor):
    """Writes the statements of a migration down. What only the database knows, such as names that Django made up, is
    left out.
    """

    def __init__(self) -> None:
        connection.pg_version = int(POSTGRESQL) * 10_000  # type: ignore[attr-defined] # else it is asked
        super().__init__(connection, collect_sql=True, atomic=False)

    def execute(self, sql: Any, params: Any = ()) -> None:
        text = str(sql)
        self.collected_sql.append(text % tuple(map(self.quote_value, params)) if params else text)

    def _constraint_names(self, *_args: Any, **_options: Any) -> list[str]:
        return []


def main() -> None:
    refusals = [(migration, refusal) for migration, state in judged() for refusal in refused(migration, state)]
    for migration, refusal in refusals:
        print(f"{migration}: {refusal.rule}\n    {refusal.text}")
    if refusals:
        print("How migrations are written is in docs/migrations.md.")
    sys.exit(1 if refusals else 0)


def judged() -> Iterator[tuple[Migration, ProjectState]]:
    """Migrations that a shop may still have before it, with the models as they are before each."""
    graph, state = MigrationLoader(None).graph, ProjectState()
    past = {key for app, name in BEFORE.items() for key in graph.forwards_plan((app, name))}
    ordered = dict.fromkeys(key for leaf in sorted(graph.leaf_nodes()) for key in graph.forwards_plan(leaf))
    for app, name in ordered:
        migration = graph.nodes[app, name]
        if (app, name) not in past and Path(apps.get_app_config(app).path).parent == PROJECT:
            yield migration, state.clone()
        migration.mutate_state(state, preserve=False)


def refused(migration: Migration, state: ProjectState) -> list[Refusal]:
    """What nobody has looked at; and what was looked at and is not there."""
    looked_at: dict[str, str] = getattr(migration, "looked_at", {})
    sql = statements(migration, state)
    at_once = SMALL | set(CREATED.findall("".join(sql)))
    found = list(dict.fromkeys([*by_squawk(sql, at_once), *by_operation(migration, at_once)]))
    idle = [Refusal(rule, "Looked at, but not there.") for rule in looked_at if rule not in {one.rule for one in found}]
    return [refusal for refusal in found if refusal.rule not in looked_at] + idle


def statements(migration: Migration, state: ProjectState) -> list[str]:
    """Its SQL, as it is sent."""
    with Writer() as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    sent = [text.strip().rstrip(";") + ";" for text in editor.collected_sql if not text.startswith("--")]
    return ["BEGIN;", *sent, "COMMIT;"] if migration.atomic else sent


def by_squawk(sql: list[str], at_once: Set[str]) -> Iterator[Refusal]:
    excused = f"-- squawk-ignore {', '.join(OF_SIZE)}\n"
    text = "\n".join(excused + one if is_about(one, at_once) else one for one in sql)
    command = [str(SQUAWK), "--pg-version", POSTGRESQL, "--reporter", "json", "--exclude", ",".join(NOT_OURS)]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    for one in json.loads(done.stdout):
        yield Refusal(one["rule_name"], " ".join(filter(None, (one["message"], one["help"]))))


def is_about(statement: str, tables: Set[str]) -> bool:
    """Whether it names these tables, and no other."""
    named = NAMED.findall(BODY.sub("", statement))
    return bool(named) and tables >= set(named)


def by_operation(migration: Migration, at_once: Set[str]) -> Iterator[Refusal]:
    operations = list(operations_of(migration.operations))
    beside = [operation for operation in operations if is_beside(operation)]
    if migration.atomic and beside:
        yield Refusal("atomic", "It needs `atomic = False`.")
    if not migration.atomic and (len(operations) > 1 or not beside):
        yield Refusal("not-atomic", "Stopped in the middle it cannot be run again: one index, or one filling, alone.")
    for operation in operations:
        in_python = isinstance(operation, RunPython) and not isinstance(operation, FillInBatches)
        if in_python or (isinstance(operation, RunSQL) and changes_rows(operation.sql, at_once)):
            yield Refusal("rows", "However many rows there are, all are locked until it ends. Take `FillInBatches`.")


def operations_of(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Those that the database sees."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from operations_of(operation.database_operations)
        else:
            yield operation


def is_beside(operation: Operation) -> bool:
    """Whether it stands in nobody's way, however long it takes."""
    return isinstance(operation, BESIDE) or bool(indexes_beside(operation))


def changes_rows(sql: Any, at_once: Set[str]) -> bool:
    """Whether a statement of `RunSQL` changes rows of other tables."""
    texts = [sql] if isinstance(sql, str) else [text if isinstance(text, str) else text[0] for text in sql]
    return any(CHANGES_ROWS.search(BODY.sub("", text)) and not is_about(text, at_once) for text in texts)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()

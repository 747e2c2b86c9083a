"""One migration forwards, back, and forwards again, over a database that is full of rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RenameField
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tests.upgrades.filling import Filler, tables, touched
from tests.upgrades.plan import ours
from tests.upgrades.stories import NOTHING, Story

SCHEMA = """
SELECT format('%s.%s %s%s%s%s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN ' not null' END, ' default ' || pg_get_expr(adbin, adrelid),
    attgenerated::text || attidentity::text)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid AND relkind IN ('r', 'p') AND NOT relispartition
LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT format('%s: %s %s', conrelid::regclass, conname, replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''))
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid AND NOT relispartition
WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL
SELECT pg_get_indexdef(indexrelid) || CASE WHEN NOT indisvalid THEN ' invalid' ELSE '' END
FROM pg_index JOIN pg_class c ON c.oid = indrelid AND NOT relispartition WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
UNION ALL SELECT format('%s: %s %s', relname, relpersistence, reloptions) FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
AND relnamespace = 'public'::regnamespace
"""
BY_TRIGGER = frozenset({"checkout_pricetablesversion.version"})
"""Columns that change whenever other tables get rows."""
Table = list[dict[str, Any]]
Rows = dict[str, Table]
"""Of each table."""


class Steps:
    """The operations of a migration, with the models before and after each: Django works them out anew each way, which
    takes longer than all the rest.
    """

    def __init__(self, migration: Migration, state: ProjectState) -> None:
        self.migration, self.states = migration, [state]
        for operation in migration.operations:
            self.states.append(self.states[-1].clone())
            operation.state_forwards(migration.app_label, self.states[-1])

    def forwards(self) -> None:
        operations, states = self.migration.operations, pairwise(self.states)
        self.go((op.database_forwards, *models) for op, models in zip(operations, states, strict=True))

    def backwards(self) -> None:
        operations, states = reversed(self.migration.operations), pairwise(reversed(self.states))
        self.go((op.database_backwards, *models) for op, models in zip(operations, states, strict=True))

    def go(self, ways: Iterable[tuple[Callable[..., None], ProjectState, ProjectState]]) -> None:
        """As `Migration.apply` and `unapply` do it."""
        with connection.schema_editor(atomic=self.migration.atomic) as editor:
            for act, old, new in ways:
                act(self.migration.app_label, editor, old, new)


@dataclass
class Walk:
    """Where it is: the models as they are just now."""

    state: ProjectState
    filler: Filler

    def step(self, migration: Migration, story: Story = NOTHING) -> list[str]:
        """What the migration does that it should not; nothing if all is well. The walk is behind it then."""
        steps = Steps(migration, self.state)
        old, new = self.state.apps, steps.states[-1].apps
        self.filler.fill(touched(migration, old))
        story.before(old, self.filler)
        rows, schema = rows_of_all(), set(asked(SCHEMA))
        steps.forwards()
        problems = [f"forwards: {lost}" for lost in losses(rows, rows_of_all(), migration.operations, story)]
        story.after(new)
        self.filler.fill(touched(migration, new))
        steps.backwards()
        back = rows_of_all()
        problems += [f"backwards: {lost}" for lost in losses(rows, back, [], story, more=True)]
        problems += [f"backwards: not as before: {line}" for line in sorted(schema ^ set(asked(SCHEMA)))]
        story.back(old)
        steps.forwards()
        problems += [f"again: {lost}" for lost in losses(back, rows_of_all(), migration.operations, story)]
        self.filler.fill(model for model in tables(new) if model._meta.label_lower not in self.filler.known)
        self.state = steps.states[-1]
        return problems


def asked(statement: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [str(value) for (value,) in cursor.fetchall()]


def rows_of_all() -> Rows:
    """Every row of our apps' tables."""
    names = [name for name in asked(TABLES) if name.startswith(tuple(f"{label}_" for label in ours()))]
    found: Rows = {name: [] for name in names}
    statement = " UNION ALL ".join(f"SELECT '{name}', to_jsonb(t) FROM {name} t" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        for name, row in cursor.fetchall():
            found[name].append(json.loads(row))
    return found


def losses(
    before: Rows, after: Rows, operations: Iterable[Operation], story: Story, *, more: bool = False
) -> list[str]:
    """Which tables, columns and rows are not there any more. `more`: others may have come."""
    renaming = [operation for operation in operations if isinstance(operation, RenameField)]
    changes, found = story.changes | BY_TRIGGER, []
    for table, rows in before.items():
        names = {one.old_name: one.new_name for one in renaming if table.endswith(f"_{one.model_name_lower}")}
        ours = [{names.get(column, column): value for column, value in row.items()} for row in rows]
        theirs = after.get(table, [])
        columns = [column for column in (ours[0] if ours else []) if f"{table}.{column}" not in changes]
        if table not in after:
            found.append(f"{table} is gone")
        elif theirs and (gone := [column for column in columns if column not in theirs[0]]):
            found.append(f"{table} has no {', '.join(gone)}")
        elif table not in changes:
            missing, new = difference(ours, theirs, columns)
            found += [f"{table} had {row}" for row in missing] + [f"{table} got {row}" for row in new if not more]
    return found


def difference(ours: Table, theirs: Table, columns: list[str]) -> tuple[list[str], list[str]]:
    """What only one of them has, by the values of some columns."""
    one, other = (Counter(repr([row.get(column) for column in columns]) for row in rows) for rows in (ours, theirs))
    return list(one - other), list(other - one)

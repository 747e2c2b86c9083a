"""Rows that were there before a column get its value, while the shop is open."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.special import RunPython
from django.db.migrations.state import StateApps

BATCH = 5000
"""Rows. Whoever wants to change one of them waits for the others."""
FILL = """
WITH batch AS (SELECT {key} FROM {table} WHERE {beyond} ORDER BY {key} LIMIT {batch}),
    filled AS (UPDATE {table} SET {columns} WHERE {key} IN (SELECT {key} FROM batch) AND ({rows}))
SELECT {key} FROM batch ORDER BY {key} DESC LIMIT 1
"""


class FillInBatches(RunPython):
    """Sets columns of all rows of a table, some thousand at a time, each time in a transaction of its own.

    For a migration that is not atomic and has no other operation. Stopped in the middle it is run again from the start,
    so `columns` (SQL, as after `SET`) must say the same of a row that has them; `rows` (SQL, as after `WHERE`) names
    those that it is about. The way back does nothing.
    """

    def __init__(self, model: str, columns: str, rows: str = "true") -> None:
        super().__init__(self.fill, RunPython.noop)
        self.model, self.columns, self.rows = model, columns, rows

    def fill(self, apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        """By the order of the key: the table is read once, however many batches that are."""
        meta = apps.get_model(self.model)._meta
        table, key = (editor.quote_name(name) for name in (meta.db_table, str(meta.pk.column)))
        last: list[Any] = []
        with editor.connection.cursor() as cursor:
            while True:
                beyond = f"{key} > %s" if last else "true"
                fill = FILL.format(
                    key=key, table=table, beyond=beyond, batch=BATCH, columns=self.columns, rows=self.rows
                )
                cursor.execute(fill, last)
                last = list(cursor.fetchone() or [])
                if not last:
                    return

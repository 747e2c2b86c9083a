"""Tables are changed while the shop is open: nobody waits long behind a migration that waits for a table.

Whoever wants to change a table waits for all who use it, and everybody who comes later waits behind. So a migration
waits for a table for a second and a half, gives up, and comes again. Those that do not stand in the way (an index that
is built beside the table, rows filled in batches; they are not atomic) take all the time that they need.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, connection
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunSQL
from psycopg import errors

from core.postgresql.patience import waits_at_most

LOCK_SECONDS = 1.5
"""Longer than PostgreSQL lets autovacuum have a table that somebody waits for (`deadlock_timeout`, a second), and less
than a shopper waits for a lock (`lock_timeout`)."""
PAUSES = [5.0] * 36
"""Seconds between tries: four minutes. Who waited behind one is served before the next."""
A_DAY = 24 * 60 * 60.0
ONE_AT_A_TIME = 7_261_035_104_486_551_304
"""Number of the advisory lock, this module's own."""
BUILT_BESIDE = re.compile(r'^CREATE (?:UNIQUE )?INDEX CONCURRENTLY "?(\w+)"?[^;]*;?\s*$', re.IGNORECASE)
HALVES = """
SELECT relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisvalid AND relname = ANY(%s)
"""


@contextmanager
def careful(tell: Callable[[str], object]) -> Iterator[None]:
    """One process at a time migrates this database, without an end to what takes long; the next one is told to wait."""
    with waits_at_most(A_DAY), alone(tell):
        execute("SET statement_timeout = 0")
        try:
            yield
        finally:
            execute("RESET statement_timeout")
            execute("RESET lock_timeout")


@contextmanager
def alone(tell: Callable[[str], object]) -> Iterator[None]:
    """Asks again and again rather than wait: an index that is built beside its table would wait for who waits."""
    told = False
    while not execute("SELECT pg_try_advisory_lock(%s)", ONE_AT_A_TIME)[0][0]:
        if not told:
            tell("Somebody else is migrating this database. Waiting.")
        told = True
        time.sleep(0.5)
    try:
        yield
    finally:
        execute("SELECT pg_advisory_unlock(%s)", ONE_AT_A_TIME)


def make_way(migration: Migration) -> None:
    """Before a migration: how long it may wait for a table. Half an index, of a try that was stopped, is taken away."""
    execute(f"SET lock_timeout = {int(LOCK_SECONDS * 1000) if migration.atomic else 0}")
    names = [name for operation in migration.operations for name in indexes_beside(operation)]
    for (name,) in execute(HALVES, names) if names else []:
        execute(f"DROP INDEX CONCURRENTLY {connection.ops.quote_name(name)}")


def indexes_beside(operation: Operation) -> list[str]:
    """The names of indexes that it builds without a lock on their tables."""
    if isinstance(operation, AddIndexConcurrently):
        return [str(operation.index.name)]
    return BUILT_BESIDE.findall(str(operation.sql)) if isinstance(operation, RunSQL) else []


def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows that it gives, if it gives any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def again_and_again(work: Callable[[], object], tell: Callable[[str], object]) -> None:
    """Until no table is in use that it wants.

    Raises:
        OperationalError: one was for four minutes; or something else is wrong.
    """
    for pause in PAUSES:
        try:
            work()
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                raise
            tell(f"A table is in use. Tried again in {pause:.0f} s.")
            time.sleep(pause)
    work()

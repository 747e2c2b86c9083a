"""Gates in the middle of a job: whoever comes there waits until the `with` block ends, so that the middle is certain.

Each yields a question: whether somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from tests.billing_server import BillingService

Reached: TypeAlias = Callable[[], object]
Gate: TypeAlias = AbstractContextManager[Reached]
HELD_SECONDS = 10
"""As long as the shop waits for billing."""
LOCK = 20251110
"""Any number that nobody else locks."""
TRIGGER = """
CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({lock}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate();
"""
NO_TRIGGER = "DROP TRIGGER gate ON {table}; DROP FUNCTION wait_at_the_gate();"


@contextmanager
def unanswered(billing: BillingService, kind: str) -> Iterator[Reached]:
    """Billing has been asked, and has done nothing yet."""
    billing.knob(kind, delay=HELD_SECONDS)
    yield lambda: billing.calls[kind]
    billing.well()


@contextmanager
def unheard(billing: BillingService, kind: str, done: Reached) -> Iterator[Reached]:
    """Billing has done it, and its answer is on the way, a byte now and then."""
    billing.knob(kind, drip=HELD_SECONDS)
    yield done
    billing.well()


@contextmanager
def rows_held(rows: QuerySet[Any]) -> Iterator[Reached]:
    """Somebody else has the rows: what was written in the transaction before them is not committed."""
    with transaction.atomic():
        assert list(rows.select_for_update())
        yield waiting


@contextmanager
def tables_held(*models: type[Model]) -> Iterator[Callable[[], list[int]]]:
    """Somebody else has whole tables. Who waits for them is answered."""
    with transaction.atomic():
        execute(f"LOCK TABLE {', '.join(model._meta.db_table for model in models)}")
        yield waiting


@contextmanager
def commit_held(model: type[Model]) -> Iterator[Reached]:
    """Transactions that write to this table wait in their COMMIT. It is done, whether or not its client lives."""
    table = model._meta.db_table
    execute(TRIGGER.format(lock=LOCK, table=table))
    try:
        with transaction.atomic():
            execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            yield waiting
    finally:
        execute(NO_TRIGGER.format(table=table))


def waiting() -> list[int]:
    """PostgreSQL's processes that wait for this connection."""
    for_me = "pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    return column(f"SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND {for_me}")


def alive(processes: list[int]) -> list[int]:
    """Those of these processes that still are. PostgreSQL hears of its client's death when it has something to say."""
    return column("SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", processes)


def column(statement: str, *values: Any) -> list[int]:
    """The first column."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return [number for (number,) in cursor.fetchall()]


def execute(statement: str) -> None:
    """Nothing comes of it."""
    with connection.cursor() as cursor:
        cursor.execute(statement)

"""What must always agree in the database, asked of the whole of it: each app says what of its own.

A check is one statement over sets of rows, so that it sees one moment and is fast with a hundred thousand orders. The
database's constraints hold most of it already; this finds what a constraint cannot see, and what came past them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

SHOWN = 100
WORK_MEMORY = "64MB"
"""Enough for sums over a hundred thousand orders without a file on disk."""
Parameters = Callable[[datetime], Mapping[str, datetime]]


def none_needed(now: datetime) -> Mapping[str, datetime]:
    """For checks to which the time does not matter."""
    return {}


@dataclass(frozen=True)
class Check:
    """One rule. `sql` selects what breaks it: a text that names the row, and one that says how.

    Names are stable, for machines; `rule` is for people.
    """

    name: str
    rule: str
    sql: str
    parameters: Parameters = none_needed


@dataclass(frozen=True)
class Finding:
    """What was found of one check: how many rows break it, and the first of them as (row, how)."""

    check: Check
    count: int
    examples: Sequence[tuple[str, str]]


checks: dict[str, Check] = {}


def register(*more: Check) -> None:
    """Makes checks known; called when an app is ready."""
    checks.update({check.name: check for check in more})


def verify(*, now: datetime, shown: int = SHOWN) -> list[Finding]:
    """Runs every check, with up to `shown` examples each."""
    return [run(check, now=now, shown=shown) for check in checks.values()]


@transaction.atomic
def run(check: Check, *, now: datetime, shown: int) -> Finding:
    """Runs one check."""
    statement = f"SELECT row_name, problem, count(*) OVER () FROM ({check.sql}) f ORDER BY 1, 2 LIMIT %(shown)s"  # noqa: S608 - our own checks
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        cursor.execute(statement, {**check.parameters(now), "shown": shown})
        rows = cursor.fetchall()
    return Finding(check, rows[0][2] if rows else 0, [(name, problem) for name, problem, _count in rows])

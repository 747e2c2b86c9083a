"""The SQL of the metrics: one file a statement in `analytics/sql/`, so that each can be explained and timed alone."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from core.clock import day_bounds, hours_of_day
from sessions_app.dimensions import REACHED

FOLDER = Path(__file__).resolve().parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `analytics/sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()


def day_parameters(day: date) -> dict[str, Any]:
    """What the statements ask for: the day, its first instant, the next day's, those of its hours, whom to count."""
    start, end = day_bounds(day)
    return {"day": day, **span_parameters(start, end, hours_of_day(day))}


def span_parameters(start: datetime, end: datetime, hours: list[datetime]) -> dict[str, Any]:
    """What they ask for of a part of a day: its first instant, the first one after it, those at which hours begin."""
    return {"start": start, "end": end, "hours": hours, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}


def rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one_row(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The columns of a statement that has one row."""
    return rows(statement(name), parameters)[0]


def by_hour(*names: str, parameters: dict[str, Any], given: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each of the parameters' `hours`, with `begins` and the columns of statements that have a row an hour,
    asked for as one; None where they have none. `given` names what stands before them.
    """
    before = "".join(map(statement, given))
    parts = "\n".join(f"LEFT JOIN (\n{statement(name).format(**REACHED)}) AS of_{name} USING (hour)" for name in names)
    hours = "unnest(%(hours)s::timestamptz[]) WITH ORDINALITY AS begun (begins, hour)"
    return rows(f"{before}SELECT * FROM {hours}\n{parts}", parameters)  # noqa: S608 - our own files


def execute(sql: str, parameters: dict[str, Any] | None = None) -> int:
    """Runs a statement that answers nothing; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)

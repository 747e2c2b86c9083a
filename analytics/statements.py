"""The SQL of the metrics: one file a statement in `analytics/sql/`, so that each can be explained and timed alone."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from core.clock import day_bounds

FOLDER = Path(__file__).resolve().parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `analytics/sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()


def day_parameters(day: date) -> dict[str, Any]:
    """What the statements ask for: the day, its first instant, the next day's, and whom to count."""
    start, end = day_bounds(day)
    return {"day": day, "start": start, "end": end, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}


def rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one_row(*names: str, parameters: dict[str, Any], given: str = "") -> dict[str, Any]:
    """The columns of statements that have one row each, asked for as one. `given` names what stands before them."""
    parts = ", ".join(f"(\n{statement(name)}) AS of_{name}" for name in names)
    before = statement(given) if given else ""
    return rows(f"{before}SELECT * FROM {parts}", parameters)[0]  # noqa: S608 - our own files


def execute(sql: str, parameters: dict[str, Any] | None = None) -> int:
    """Runs a statement that answers nothing; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)

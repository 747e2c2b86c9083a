"""Days that imports have changed and whose metrics are still to be made, also if the import was killed since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache

from django.db import connection

from core.clock import shop_day

NOTE = """
INSERT INTO sessions_app_importedday (day) SELECT DISTINCT unnest(%s::date[]) ORDER BY 1
ON CONFLICT (day) DO UPDATE SET day = EXCLUDED.day
"""


@lru_cache(maxsize=4096)
def day_of(quarter: int) -> date:
    """The shop's day of a quarter of an hour since 1970: time zones differ by whole quarters."""
    return shop_day(datetime.fromtimestamp(quarter * 900, UTC))


def note(days: Iterable[date]) -> None:
    """Notes days, with the same transaction as what changed them."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [list(days)])


def due() -> list[tuple[date, str]]:
    """Days that wait, in order, each with PostgreSQL's version of its note, which changes when it is noted again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, xmin::text FROM sessions_app_importedday ORDER BY day")
        return [(day, version) for day, version in cursor.fetchall()]


def made(day: date, version: str) -> None:
    """The metrics of a day were made after `due` gave it out. What was noted meanwhile stays."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sessions_app_importedday WHERE day = %s AND xmin::text = %s", [day, version])

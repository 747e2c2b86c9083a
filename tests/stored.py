"""Everything that is stored, as text to search in."""

from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from analytics.dashboard.tiles import TILES
from core import redis as core_redis
from sessions_app.ingest import flush

OF_DAYS = ("analytics_dailybreakdown", "analytics_dailyreturn")
"""Numbers of days by page, campaign and so on: they are kept, and counts of whomever (docs/privacy.md)."""


def rows_of(prefix: str) -> dict[str, str]:
    """All columns of all rows of the tables whose names begin so, by table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_name LIKE %s ORDER BY table_name",
            [f"{prefix}%"],
        )
        tables = [name for (name,) in cursor.fetchall()]
        return {table: _rows(cursor, table) for table in tables}


def _rows(cursor: Any, table: str) -> str:
    name = connection.ops.quote_name(table)
    cursor.execute(f"SELECT string_agg(rows::text, E'\\n') FROM {name} AS rows")
    return cursor.fetchone()[0] or ""


def redis_text(*, beyond_seconds: int = -1) -> str:
    """All keys and values of this test's Redis; on request without those that expire within so many seconds."""
    client: Any = core_redis.client()
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    keys = [key for key in sorted(client.scan_iter()) if not 0 <= client.ttl(key) <= beyond_seconds]
    return "\n".join(f"{key!r} {readers[client.type(key)](key)!r}" for key in keys)


def everything() -> str:
    """All tables and all of Redis."""
    return "\n".join([*rows_of("").values(), redis_text()])


def everything_but_of_days() -> str:
    """The same without the numbers of days."""
    return "\n".join([*(rows for table, rows in rows_of("").items() if table not in OF_DAYS), redis_text()])


def words_of_days() -> str:
    """What stands in the numbers of days."""
    return "\n".join(rows for table, rows in rows_of("analytics_").items() if table in OF_DAYS)


def files_of_days(staff: Client) -> str:
    """Every table of the dashboard, today's, as staff take it away."""
    names = [name for name, tile in TILES.items() if tile.lines]
    answers = [staff.get(f"/admin/dashboard/{name}.csv?period=today") for name in names]
    assert {answer.status_code for answer in answers} == {200}
    return "\n".join(answer.content.decode() for answer in answers)


def pass_a_night() -> None:
    """What is on its way arrives, and what is kept no longer goes."""
    flush(consumer="test")
    call_command("cleanup", stdout=StringIO())


def found_of(marks: set[str], text: str) -> set[str]:
    """Those of the marks that stand in the text, in any case."""
    lowered = text.lower()
    return {mark for mark in marks if mark.lower() in lowered}

"""The months of `session_event`: a partition each, so that an index stays as small as a month and old ones are dropped.

There is none for whatever comes: PostgreSQL then refuses a row rather than put it where retention does not look.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import partial

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

PARENT = "sessions_app_sessionevent"
ONE_AT_A_TIME = 4_700_152
"""Number of the advisory lock, this module's own."""
known: set[date] = set()
"""Months that this process has seen committed."""


def ensure_months(timestamps: Iterable[datetime]) -> int:
    """Makes sure that events of these times can be stored; returns how many months were missing.

    Costs nothing for months known already.
    """
    made = 0
    for month in sorted({month_of(timestamp) for timestamp in timestamps} - known):
        made += make_month(month)
        transaction.on_commit(partial(known.add, month))
    return made


def month_of(timestamp: datetime) -> date:
    """The first day of its month, in UTC."""
    return timestamp.astimezone(UTC).date().replace(day=1)


@transaction.atomic
def make_month(month: date) -> bool:
    """Adds the partition of a month; False if it is there. Attached, not created in place: nobody waits for it."""
    name = f"{PARENT}_{month:%Y_%m}"
    end = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    with connection.cursor() as cursor:
        if is_there(cursor, name):  # nobody queues, for the length of whole orders, for what is there already
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
        missing = not is_there(cursor, name)
        if missing:
            cursor.execute(f"CREATE TABLE {name} ({columns(cursor)})")
            cursor.execute(
                f"ALTER TABLE {PARENT} ATTACH PARTITION {name} FOR VALUES FROM ('{month} 00:00Z') TO ('{end} 00:00Z')"
            )
    return missing


def is_there(cursor: CursorWrapper, name: str) -> bool:
    """Whether there is a table of that name, committed. The catalog is read: `to_regclass` may remember that there was
    none before this transaction waited for whoever made it.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = %s AND relnamespace = current_schema()::regnamespace)",
        [name],
    )
    found: bool = cursor.fetchone()[0]
    return found


# To find a column in a row PostgreSQL walks through those before it, unless these are as wide in every row.
COLUMNS = """
SELECT string_agg(concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
                            'DEFAULT ' || pg_get_expr(adbin, adrelid), CASE WHEN attnotnull THEN 'NOT NULL' END), ', '
                  ORDER BY attlen < 0, NOT attnotnull, attalign <> 'd', attnum)
  FROM pg_attribute
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


def columns(cursor: CursorWrapper) -> str:
    """The parent's columns as a month holds them: times and ids first, texts last. The parent itself holds no row, so
    its own order, in which the columns came to it, is only that of `SELECT *`.
    """
    cursor.execute(COLUMNS, [PARENT])
    found: str = cursor.fetchone()[0]
    return found


def rows_before(before: datetime) -> int:
    """Rows of the months that lie before, about: as many as PostgreSQL knows of, at least one a month."""
    return sum(rows for _name, rows in months_before(before))


@transaction.atomic
def drop_oldest(before: datetime) -> int:
    """Drops the oldest month of those that lie before; its rows, about, and 0 if there is none. Whoever reads events
    is waited for, and the others wait behind, so for a moment only.

    Raises:
        OperationalError: it was not to be had in that moment.
    """
    for name, rows in months_before(before)[:1]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            cursor.execute(f"DROP TABLE {name}")
        known.clear()
        return rows
    return 0


def months_before(before: datetime) -> list[tuple[str, int]]:
    """The months that have ended by then, the oldest first, each with its rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, greatest(reltuples, 1)::bigint FROM pg_partition_tree(%s) AS part "
            "JOIN pg_class ON pg_class.oid = part.relid WHERE level = 1 AND relname < %s ORDER BY relname",
            [PARENT, f"{PARENT}_{month_of(before):%Y_%m}"],
        )
        return list(cursor.fetchall())

"""The tables after a test that wrote for real, when there is nothing to roll back.

Django truncates all of them, and then finds out again which content types and permissions the models have. Most tests
leave a few rows in a few tables: those are deleted in a tenth of the time, and what comes from the models stays.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.test import TransactionTestCase

CASE = TransactionTestCase("run")
"""For whoever empties tables and is no test."""
FROM_MODELS = ["django_content_type", "auth_permission"]
"""What Django fills when it has truncated it."""
DIGEST = "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM {table} t"
WATCHED = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 <> 0"
"""Tables with a trigger that notices truncating (32). All of them notice deleting too, even of no row."""
truncate_and_fill = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined] # Django's, not for everybody
filled: list[str] = []
"""Digests of `FROM_MODELS` as Django fills them; empty until it has."""


def empty_tables(case: TransactionTestCase) -> None:
    """Leaves every table as Django's own way does. A connection that the test lost is not the next test's."""
    if connection.connection is not None and connection.connection.closed:
        connection.close()
    if filled and filled == digests():
        delete_rows()
    else:
        truncate_and_fill(case)
        filled[:] = digests()


def digests() -> list[str]:
    """One for each of `FROM_MODELS`."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(DIGEST.format(table=table) for table in FROM_MODELS))
        return [str(digest) for (digest,) in cursor.fetchall()]


def delete_rows() -> None:
    """All other rows, those that triggers protect too. Whoever still writes is waited for, as truncating does."""
    tables = [connection.ops.quote_name(table) for table in sorted(set(own_tables()) - set(FROM_MODELS))]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute(WATCHED)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")


def own_tables() -> list[str]:
    """Those of the models."""
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def filled_tables() -> set[str]:
    """Those of them that hold anything."""
    has_rows = "SELECT '{table}' WHERE EXISTS (SELECT FROM {table})"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(has_rows.format(table=table) for table in own_tables()))
        return {str(table) for (table,) in cursor.fetchall()}

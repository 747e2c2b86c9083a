"""The database backend: what it does about connections that the server has ended meanwhile."""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import NotSupportedError, OperationalError, connection
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from core.postgresql.base import DatabaseWrapper
from tests.template import address
from tests.world import replace_pool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def pool_of_one() -> Iterator[None]:
    """The connection given back is the one given out next."""
    usual = connection.settings_dict["OPTIONS"]["pool"]
    replace_pool(usual | {"min_size": 1, "max_size": 1})
    yield
    replace_pool(usual)


def end_what_is_pooled() -> int:
    """Lets the server end the connection that waits in the pool, as a restart would; returns its number there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    connection.close()
    known = settings.DATABASES["default"]
    with psycopg.connect(
        dbname=connection.settings_dict["NAME"], user=known["USER"], host=known["HOST"], autocommit=True
    ) as other:
        ended = other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone()
    assert ended == (True,)
    return pid


def test_a_connection_that_the_server_ended_is_not_given_out_again() -> None:
    ended = end_what_is_pooled()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != ended


def test_without_the_look_at_it_the_request_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.postgresql.base.check_open", lambda connection: None)
    end_what_is_pooled()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_connection_that_is_open_is_not_asked_how_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(asked.append))
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert asked == []


def test_who_asks_while_a_pool_is_closed_finds_another(monkeypatch: pytest.MonkeyPatch) -> None:
    closing = ConnectionPool.close

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def close_slowly(pool: ConnectionPool, timeout: float = 5) -> None:
        closing(pool, timeout)
        ask()

    ask()
    connection.close()
    monkeypatch.setattr(ConnectionPool, "close", close_slowly)
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    assert connection.connection.info.transaction_status == TransactionStatus.IDLE


def test_control_with_the_usual_way_it_finds_the_closed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DatabaseWrapper, "close_pool", base.DatabaseWrapper.close_pool)
    with pytest.raises(OperationalError, match="closed"):
        test_who_asks_while_a_pool_is_closed_finds_another(monkeypatch)
    monkeypatch.undo()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it


def test_a_statement_that_gives_another_type_since_a_migration_fails_once_a_connection() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT language FROM core_mail")

    for _time in range(10):
        ask()  # prepared after a few times
    alter("TYPE varchar(11)")
    try:
        with pytest.raises(NotSupportedError, match="cached plan"):
            ask()
        ask()
    finally:
        alter("TYPE varchar(10)")


def alter(column: str) -> None:
    """By a connection of its own, as a migration does it."""
    with psycopg.connect(address(str(connection.settings_dict["NAME"])), autocommit=True) as other:
        other.execute(f"ALTER TABLE core_mail ALTER language {column}")

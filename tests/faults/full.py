"""Disks and memories that are full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from tests.promises.processes import until
from tests.redis_server import RedisServer, ask_again

FULL = """
CREATE FUNCTION the_disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
DO $$ DECLARE found regclass; BEGIN
    FOR found IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace = 'public'::regnamespace
    LOOP EXECUTE format('CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON %s FOR EACH STATEMENT '
                        'EXECUTE FUNCTION the_disk_is_full()', found);
    END LOOP;
END $$;
"""
ROOM = "DROP FUNCTION the_disk_is_full CASCADE"


@contextmanager
def postgresql_full() -> Iterator[None]:
    """PostgreSQL reads, and refuses to write as it does when its disk is full, for the length of a `with` block."""
    execute(FULL)
    try:
        yield
    finally:
        execute(ROOM)


def execute(statement: str) -> None:
    """Nothing comes of it."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def redis_disk_full(server: RedisServer) -> Iterator[None]:
    """Redis cannot write to its file, and takes nothing more."""
    server.disk_full()
    until(lambda: not server.takes_writes(), "Redis notices that its disk is full")
    yield
    server.let_files_grow_to()
    back(server)


@contextmanager
def redis_memory_full(server: RedisServer) -> Iterator[None]:
    """Redis holds as much as it may."""
    server.let_memory_grow_to(1)
    yield
    server.let_memory_grow_to()
    back(server)


def back(server: RedisServer) -> None:
    """It writes again, and the shop asks it at its next look."""
    until(server.takes_writes, "Redis writes again")
    ask_again()


WAYS: list[Callable[[RedisServer], object]] = [redis_disk_full, redis_memory_full]

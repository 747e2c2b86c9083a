"""Tables are changed while the shop is open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, migrations, models, transaction

from config.migrating import ONE_AT_A_TIME, again_and_again, careful, execute, make_way
from core.models import Mail
from tests.factories import NOW
from tests.promises.processes import until
from tests.template import address

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "billing_sandbox_switches"
IN_HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
"""Of a lock; other databases' are seen too, and there the tables have the same numbers."""
WAITING = f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass AND {IN_HERE}"


class Next(migrations.Migration):
    """A migration that may stand in the way."""


class Beside(migrations.Migration):
    """One that does not."""

    atomic = False
    operations = [AddIndexConcurrently("mail", models.Index(fields=["kind"], name="mail_of_kind"))]


@contextmanager
def somebody_else() -> Iterator[psycopg.Connection[Any]]:
    """In a transaction that does not end by itself."""
    with psycopg.connect(address(str(connection.settings_dict["NAME"]))) as own:
        yield own


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """Somebody who still uses the table."""
    with somebody_else() as reader:
        reader.execute(f"SELECT 1 FROM {TABLE}")
        yield reader


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.migrating.LOCK_SECONDS", 0.2)
    monkeypatch.setattr("config.migrating.PAUSES", [0.0] * 50)


def change() -> None:
    """As a migration does that somebody takes back at once."""
    with transaction.atomic():
        execute(f"ALTER TABLE {TABLE} ADD note text")
        transaction.set_rollback(True)


def change_while_it_is_read(ends: Callable[[], object]) -> None:
    """In another thread, whose connection it closes."""
    try:
        with careful(print):
            make_way(Next("next", "core"))
            again_and_again(change, lambda _text: ends())
    finally:
        connection.close()


class Ear(StringIO):
    """Does something when it is told that a table is in use."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def write(self, text: str) -> int:
        self.act()
        return super().write(text)


def migrate(to: str, stderr: StringIO) -> None:
    call_command("migrate", "billing_sandbox", to, verbosity=0, skip_checks=True, stderr=stderr)


@pytest.mark.usefixtures("short_waits")
def test_a_migration_gives_up_a_table_that_is_in_use_and_comes_again(settings: LazySettings) -> None:
    settings.MIGRATION_MODULES = {"billing_sandbox": "tests.upgrades.more"}
    with reading() as reader:
        migrate("0002", stderr := Ear(reader.commit))
    assert "A table is in use" in stderr.getvalue()
    assert execute(f"SELECT note FROM {TABLE}") == []
    migrate("0001", stderr)


@pytest.mark.usefixtures("short_waits")
def test_stopped_it_lets_go_of_all(settings: LazySettings) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    settings.MIGRATION_MODULES = {"billing_sandbox": "tests.upgrades.more"}
    with reading(), pytest.raises(CommandError, match="Stopped") as stopped:
        migrate("0002", Ear(stop))
    assert stopped.value.returncode == 130
    assert execute(f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND {IN_HERE}") == []


@pytest.mark.usefixtures("short_waits")
def test_who_comes_while_it_waits_is_served() -> None:
    with reading() as reader:
        assert served_behind(reader)


def test_control_without_giving_up_who_comes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.migrating.LOCK_SECONDS", 0)
    with reading() as reader, pytest.raises(OperationalError, match="lock timeout"):
        served_behind(reader)


def served_behind(reader: psycopg.Connection[Any]) -> bool:
    """Reads the table while a migration waits for it; whether that got anywhere."""
    thread = threading.Thread(target=change_while_it_is_read, args=[lambda: None])
    thread.start()
    try:
        until(lambda: execute(WAITING, TABLE), "a migration that waits")
        execute("SET lock_timeout = 1000")
        return execute(f"SELECT 1 FROM {TABLE}") == []
    finally:
        execute("RESET lock_timeout")
        reader.commit()
        thread.join(20)


def test_one_migrates_at_a_time() -> None:
    told: list[str] = []
    with somebody_else() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])

        def tell(text: str) -> None:
            told.append(text)
            other.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])

        with careful(tell):
            assert len(told) == 1


def test_what_takes_long_is_not_stopped_and_afterwards_all_is_as_usual() -> None:
    usual = execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
    with careful(print):
        make_way(Beside("next", "core"))
        assert execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')") == [("0", "0")]
    assert execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')") == usual


def test_half_an_index_is_taken_away_before_it_is_built_again() -> None:
    for _time in range(2):
        Mail.objects.create(kind="order_paid", next_attempt_at=NOW)
    with pytest.raises(IntegrityError):
        execute("CREATE UNIQUE INDEX CONCURRENTLY mail_of_kind ON core_mail (kind)")
    make_way(Beside("next", "core"))
    assert execute("SELECT 1 FROM pg_class WHERE relname = 'mail_of_kind'") == []
    execute("RESET lock_timeout")

"""Backups, made and taken back."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from redis import Redis

from config import backing_up
from config.backing_up import BackupError, back_up, found
from config.embedded import PROJECT
from core import logs
from core.clock import now
from core.personal_data import Subject, erase
from customers.selectors import subject_of
from tests.customers.member import member
from tests.factories import OrderFactory, VisitorSessionFactory

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER_REDIS = f"{settings.REDIS_URL.split('?')[0]}?db=61"


@pytest.fixture
def empty() -> Iterator[str]:
    """A database with nothing in it; its name."""
    name = f"{connection.settings_dict['NAME']}_restored"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def restore(source: Path, name: str) -> subprocess.CompletedProcess[str]:
    """The command, on a database of that name."""
    return manage(name, "restore", str(source), "--yes")


def manage(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command on a database of that name."""
    at = f"{settings.DATABASE_URL.rsplit('/', 1)[0]}/{name}"
    env = {**os.environ, "DATABASE_URL": at, "REDIS_URL": ANOTHER_REDIS}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


def asked(name: str, query: str) -> str:
    words = [found("psql"), "--tuples-only", "--no-align", "--command", query]
    told = {**os.environ, **backing_up.address(), "PGDATABASE": name}
    return subprocess.run(words, env=told, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def another_redis() -> Iterator[Redis]:
    """What the restored shop is given."""
    client = Redis.from_url(ANOTHER_REDIS)
    client.set("order:of:another:time", "1")
    yield client
    client.flushdb()
    client.close()


def test_what_was_backed_up_comes_back_and_what_redis_holds_of_another_time_goes(
    tmp_path: Path, empty: str, another_redis: Redis
) -> None:
    order, file = OrderFactory(), tmp_path / "backup"
    call_command("backup", file)
    done = restore(file, empty)
    assert done.returncode == 0, done.stderr
    assert asked(empty, "SELECT number FROM orders_order") == order.number
    assert another_redis.dbsize() == 0


def test_who_was_erased_since_is_erased_again_by_what_the_log_tells(
    tmp_path: Path, empty: str, another_redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """A customer with an account, and a visit that was erased without what was ordered there."""
    caplog.set_level("INFO")
    ada, visit = member("ada@example.com").customer, VisitorSessionFactory.create(utm_campaign="Mark")
    grace = OrderFactory.create(email="grace@example.com", visitor_session=visit)
    call_command("backup", tmp_path / "backup")
    erase(subject_of(ada), now=now())
    erase(Subject(visits=frozenset({visit.pk})), now=now())
    (tmp_path / "web.log").write_text("\n".join(map(logs.JsonFormatter().format, caplog.records)))
    assert restore(tmp_path / "backup", empty).returncode == 0
    assert asked(empty, "SELECT email FROM customers_customer WHERE email LIKE 'ada@%'") == "ada@example.com"

    done = manage(empty, "erase_again", str(tmp_path / "web.log"), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"told": 2, "erased": 2}), done.stderr
    assert asked(empty, "SELECT email FROM customers_customer WHERE email LIKE 'ada@%'") == ""
    assert asked(empty, "SELECT email FROM customers_user WHERE email LIKE 'ada@%'") == ""
    assert asked(empty, "SELECT utm_campaign FROM sessions_app_visitorsession") == ""
    assert asked(empty, "SELECT email FROM orders_order WHERE visitor_session_id IS NULL") == grace.email


def test_nothing_is_overwritten_by_a_backup(tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("yesterday's")
    with pytest.raises(CommandError, match="there already"):
        call_command("backup", tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "yesterday's"


def test_nothing_is_overwritten_by_taking_one_back(tmp_path: Path) -> None:
    back_up(tmp_path / "backup")
    with pytest.raises(CommandError, match="is not empty"):
        call_command("restore", tmp_path / "backup", "--yes")


def test_nothing_is_done_where_nobody_can_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match="nobody to ask"):
        call_command("restore", tmp_path / "backup", stderr=StringIO())


def test_nobody_may_be_at_work_meanwhile(tmp_path: Path, empty: str) -> None:
    back_up(tmp_path / "backup")
    told = {**os.environ, **backing_up.address(), "PGDATABASE": empty}
    with subprocess.Popen([found("psql")], env=told, stdin=subprocess.PIPE, text=True, stdout=subprocess.PIPE) as other:
        assert other.stdin
        assert other.stdout
        other.stdin.write("\\echo here\n")
        other.stdin.flush()
        other.stdout.readline()
        done = restore(tmp_path / "backup", empty)
        other.stdin.close()
    assert done.returncode == 1
    assert "1 others are connected" in done.stderr


def test_a_file_that_is_none_leaves_the_database_empty(tmp_path: Path, empty: str) -> None:
    back_up(tmp_path / "backup")
    with open(tmp_path / "backup", "r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) * 2 // 3)
    done = restore(tmp_path / "backup", empty)
    assert done.returncode == 1
    assert "pg_restore failed" in done.stderr
    assert asked(empty, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_a_backup_can_be_read_by_us_alone(tmp_path: Path) -> None:
    back_up(tmp_path / "backup")
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600


def test_one_that_failed_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "no_such_database")
    with pytest.raises(BackupError, match="pg_dump failed"):
        back_up(tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []

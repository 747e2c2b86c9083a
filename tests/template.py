"""A migrated database that the tests' databases are copies of: migrating takes longer than most files of tests. And one
that is migrated as far as nothing can be lost yet, where `tests.upgrades` begins.

They stay in the home of the tests' servers and are named by their migrations: made anew when one has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.apps import apps

from config import embedded

PREFIX, BEGUN = "migrated_", "begun_"
UNFINISHED = "migrating"


def template(prefix: str = PREFIX) -> str:
    """Its name; it is there. One worker makes both, the others wait."""
    name, begun = PREFIX + digest(), BEGUN + digest()
    with alone(), psycopg.connect(address("postgres"), autocommit=True) as connection:
        known = [str(row[0]) for row in connection.execute("SELECT datname FROM pg_database")]
        if not {name, begun} <= set(known):
            for old in known:
                if old == UNFINISHED or old.startswith((PREFIX, BEGUN)):
                    connection.execute(f'DROP DATABASE "{old}"')
            connection.execute(f"CREATE DATABASE {UNFINISHED}")
            migrate(address(UNFINISHED), begun)
            connection.execute(f'ALTER DATABASE {UNFINISHED} RENAME TO "{name}"')
    return name if prefix == PREFIX else begun


def digest() -> str:
    """Of all migrations, those of other people's apps too."""
    folders = [Path(app.path) / "migrations" for app in apps.get_app_configs()]
    texts = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.py"))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:20]


@contextmanager
def alone() -> Iterator[None]:
    """No other worker of this run is in here."""
    with open(embedded.home() / "template.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def address(database: str) -> str:
    """Of a database on the tests' server."""
    return os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + database


def migrate(url: str, begun: str) -> None:
    """A process of its own does it: this one is set up for another database."""
    command = [sys.executable, "-m", "tests.upgrades.beginning", begun]
    subprocess.run(command, cwd=embedded.PROJECT, env=os.environ | {"DATABASE_URL": url}, check=True)

"""A PostgreSQL of these tests' own, to be killed, stopped and started again; durable, as in production."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psycopg
import redis

from config import embedded
from tests.redis_server import RedisServer
from tests.template import address, template

START_SECONDS = 30
NAME = "faults"


class PostgresServer:
    """PostgreSQL in a home of its own, with a database that is migrated already."""

    def __init__(self, home: Path) -> None:
        with mock.patch.dict(os.environ, {"FOOTFALL_HOME": str(home)}):
            self.server = embedded.postgres()
            self.folder = embedded.server_home() / "pg"
        self.log = home / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    def start(self) -> None:
        """Starts it on what it held before, and waits until it answers."""
        self.process = embedded.start(self.server, self.log)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            with psycopg.connect(host=str(self.folder), user="footfall", dbname="postgres"):
                return True
        except psycopg.OperationalError:
            return False

    def fill(self) -> None:
        """A new database as the tests' own server has it once it is migrated."""
        programs = Path(self.server.command[0]).parent
        with psycopg.connect(host=str(self.folder), user="footfall", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
            connection.execute(f"CREATE DATABASE {NAME}")
        there = address(template()).replace("postgres://", "postgresql://")
        dump = subprocess.run([programs / "pg_dump", "--no-sync", there], capture_output=True, check=True).stdout
        into: list[str | Path] = [
            programs / "psql",
            "--quiet",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.folder),
            "-U",
            "footfall",
            NAME,
        ]
        subprocess.run(into, input=dump, stdout=subprocess.DEVNULL, check=True)

    def stop(self, how: signal.Signals) -> None:
        """SIGINT: those who are connected are told, and transactions end. SIGQUIT: at once, as in a crash."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(START_SECONDS)


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that the tests may treat badly."""
    home = embedded.home() / f"faults{os.environ.get('PYTEST_XDIST_WORKER', '')}"  # two files may need one at once
    home.mkdir(exist_ok=True)
    own = PostgresServer(home)
    own.start()
    try:
        own.fill()
        yield own
    finally:
        own.stop(signal.SIGQUIT)


def redis_at(server: RedisServer, database: int = 0) -> redis.Redis:
    """A client of a shop's database, past the proxy."""
    return redis.Redis(unix_socket_path=str(server.socket), db=database)

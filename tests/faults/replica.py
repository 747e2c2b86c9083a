"""A streaming replica of a tests' own PostgreSQL, made as anybody makes one: `pg_basebackup`, and the server again."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from config import embedded
from core.postgresql import replica
from core.postgresql.doubts import ReplicaConnection
from tests.faults.servers import NAME, PostgresServer
from tests.promises.processes import until


class ReplicaServer(PostgresServer):
    """It listens beside its primary."""

    def __init__(self, primary: PostgresServer) -> None:
        self.primary, self.user = primary, primary.server.user
        self.folder = primary.folder.with_name("replica")
        self.log = primary.log.with_name("replica.log")
        here = [word.replace(str(primary.folder), str(self.folder)) for word in primary.server.command]
        self.server = embedded.Server("postgres", here, self.user)

    def copy(self) -> None:
        """Fills it with what the primary holds. What an earlier run left is removed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        program = Path(self.server.command[0]).with_name("pg_basebackup")
        words = [str(program), "-h", str(self.primary.folder), "-U", "footfall", "-D", str(self.folder / "data")]
        copying = embedded.Server("pg_basebackup", [*words, "-R", "-c", "fast", "--no-sync"], self.user)
        assert embedded.start(copying, self.log).wait(60) == 0, self.log.read_text()[-2000:]

    def told(self, statement: str) -> Any:
        """What it answers to its owner."""
        with psycopg.connect(host=str(self.folder), user="footfall", dbname=NAME, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row and row[0]

    def keeps_up(self) -> None:
        """Waits until it has all that its primary has."""
        with psycopg.connect(host=str(self.primary.folder), user="footfall", dbname=NAME) as connection:
            row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        until(lambda: self.told(f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'::pg_lsn"), "the replica has it all")

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """It replays nothing for the length of a `with` block, and falls behind with whatever is written."""
        self.told("SELECT pg_wal_replay_pause()")
        until(lambda: self.told("SELECT pg_get_wal_replay_pause_state()") == "paused", "it stands still")
        try:
            yield
        finally:
            self.told("SELECT pg_wal_replay_resume()")


@contextmanager
def own_replica(primary: PostgresServer) -> Iterator[ReplicaServer]:
    """A replica that the tests may treat badly."""
    own = ReplicaServer(primary)
    own.copy()
    own.start()
    try:
        yield own
    finally:
        own.stop(signal.SIGQUIT)


@contextmanager
def figures_at(host: str, port: int | str = "", *, name: str = NAME) -> Iterator[None]:
    """This process has a DATABASE_REPLICA_URL that leads there."""
    connections.settings[replica.REPLICA] = deepcopy(connections.settings[replica.PRIMARY])
    connections.settings[replica.REPLICA] |= {"HOST": host, "PORT": port, "NAME": name}
    forget()
    try:
        yield
    finally:
        connections[replica.REPLICA].close()
        connections[replica.REPLICA].close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
        del connections[replica.REPLICA], connections.settings[replica.REPLICA]


def forget() -> None:
    """Nobody knows anything of the replica; it is asked anew."""
    replica.fitness.fit, replica.fitness.known_until = True, 0.0
    ReplicaConnection.doubts.end()

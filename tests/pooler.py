"""A PgBouncer in front of the tests' PostgreSQL, which lends a session for one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections

from benchmarks.web import free_port
from config import embedded
from config.settings import database
from core.postgresql.sessions import DIRECT
from tests.promises.processes import until
from tests.world import replace_pool

# Each transaction finds a session that knows nothing of the one before, as in a shop where there are many.
CONFIGURATION = """
[databases]
* = host={host} user=footfall
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
server_reset_query = DISCARD ALL
server_reset_query_always = 1
"""


@contextmanager
def pooler() -> Iterator[int]:
    """Its port, for the length of a `with` block. Where there is no PgBouncer the tests are not run."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("NOT RUN: no PgBouncer. Install one (Debian: pgbouncer).")
    port, user = free_port(), embedded.postgres(durable=False).user
    with TemporaryDirectory(prefix="footfall-") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(CONFIGURATION.format(host=connection.settings_dict["HOST"], port=port))
        Path(folder).chmod(0o755)
        running = embedded.start(embedded.Server("pgbouncer", [program, str(file)], user), Path(folder) / "log")
        try:
            until(lambda: answers(port), "PgBouncer answers")
            yield port
        finally:
            running.kill()
            running.wait()


def answers(port: int) -> bool:
    """Whether it leads to PostgreSQL."""
    try:
        with psycopg.connect(host="127.0.0.1", port=port, user="footfall", dbname="postgres"):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def pooled(port: int) -> Iterator[None]:
    """This process has a DATABASE_URL that leads to the pooler, and PostgreSQL itself as DATABASE_DIRECT_URL."""
    usual = connection.settings_dict
    name, pool = usual["NAME"], usual["OPTIONS"]["pool"]
    known = database(f"postgres://footfall@127.0.0.1:{port}/{name}", pooler=True)
    before = {key: usual[key] for key in known}
    direct = deepcopy(usual) | {"TEST": usual["TEST"] | {"MIRROR": DEFAULT_DB_ALIAS}}
    del direct["OPTIONS"]["pool"]
    replace_pool(pool)
    usual |= known
    connections.settings[DIRECT] = direct
    try:
        yield
    finally:
        connections[DIRECT].close()
        del connections[DIRECT], connections.settings[DIRECT]
        replace_pool(pool)
        usual |= before

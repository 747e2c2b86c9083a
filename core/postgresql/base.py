"""The backend that `DATABASES` names: what Django looks for in a backend stands in its `base`."""

from __future__ import annotations

import select
import threading
from functools import partial
from typing import Any, ClassVar

import psycopg
from django.db.backends.postgresql import base
from django.utils.functional import cached_property
from psycopg import _queries
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from core import clock
from core.postgresql import replica
from core.postgresql.discreet import DiscreetErrors
from core.postgresql.doubts import Connection, ReplicaConnection
from core.postgresql.giving_back import taken
from core.postgresql.patience import SHOPPERS_SECONDS, waits_at_most
from core.postgresql.telling_time import ask_the_time

# psycopg looks for the placeholders of a statement once, but of a long one each time that it is sent: a tenth of what
# writing an order costs. Ours are few, and put together once.
_queries.MAX_CACHED_STATEMENT_LENGTH = 16_384
_queries.MAX_CACHED_STATEMENT_PARAMS = 512

CONNECTIONS = {replica.PRIMARY: Connection, replica.REPLICA: ReplicaConnection}
SHORTEST = 2
"""Seconds to connect: psycopg takes less for as much."""
changing_pools = threading.RLock()
"""Held by who puts a pool in its place or takes it away: nobody finds one that is half made, or closed."""


def check_open(connection: psycopg.Connection[Any]) -> None:
    """Whether the server has ended the connection. It would have said so, unasked: then, and only then, it is asked.

    Asking each time, as Django does, is a round trip for every request. Where one has ended the others have, too: the
    pool looks at each in turn, and takes ever longer about it. The time is asked now and then, of the primary.

    Raises:
        OperationalError: the connection has ended.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            if isinstance(connection._pool, ConnectionPool):
                connection._pool.drain()
            raise
    if not isinstance(connection, ReplicaConnection) and clock.shared.is_due():
        ask_the_time(connection)


@waits_at_most(SHOPPERS_SECONDS)
def ask_anew(pool: ConnectionPool[psycopg.Connection[Any]] | None) -> None:
    """Asks the server over a connection of its own: one that is there may have lost its other end.

    Raises:
        OperationalError: it cannot be reached, or does not answer.
    """
    if pool is not None:
        with pool.connection_class.connect(**pool._resolve_kwargs() | {"connect_timeout": SHORTEST}) as connection:
            connection.execute("SELECT 1")


class DatabaseWrapper(base.DatabaseWrapper):
    """With `check_open` for a check: Django passes its own to the pool and takes no other. Its errors are discreet.

    A request takes a connection from the pool, sometimes twice: what Django looks at each time, though it is settled
    once the pool is there, is not looked at again.
    """

    _connection_pools: ClassVar[dict[str, ConnectionPool[psycopg.Connection[Any]]]]
    """Django's own, which its types do not know."""

    @cached_property
    def wrap_database_errors(self) -> DiscreetErrors:
        return DiscreetErrors(self)

    @property
    def connection_class(self) -> type[Connection]:
        """Of the primary, or of the replica."""
        return CONNECTIONS.get(self.alias, Connection)

    @property
    def pool(self) -> ConnectionPool[psycopg.Connection[Any]] | None:
        return self._connection_pools.get(self.alias) or self.new_pool()

    def new_pool(self) -> ConnectionPool[psycopg.Connection[Any]] | None:
        """The pool that this makes, if there is to be one."""
        with changing_pools:
            pool: ConnectionPool[psycopg.Connection[Any]] | None = super().pool
            if pool is not None and pool.connection_class is not self.connection_class:
                pool.connection_class, pool._check = self.connection_class, check_open
                assert pool._configure is not None  # noqa: S101 - for the type checker
                pool._configure = waits_at_most(SHOPPERS_SECONDS)(pool._configure)
            return pool

    def close_pool(self) -> None:
        """Returns when its connections are closed. Who asks meanwhile finds another one, where Django's own way leaves
        the closed one in its place until then.
        """
        if (pool := taken_away(self.alias)) is not None:
            pool.close()

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """From the pool, unless the server is away.

        Raises:
            OperationalError: it is. PoolTimeout: none was free in time.
        """
        self.connection_class.doubts.settle(lambda: ask_anew(self.pool))
        taken.any = True
        connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        return connection

    def get_connection_params(self) -> dict[str, Any]:
        """What the pool was made with; nobody asks for it afterwards."""
        return {} if self.alias in self._connection_pools else super().get_connection_params()

    def _set_autocommit(self, autocommit: bool) -> None:
        """A connection comes from the pool as it was left. psycopg's own way waits for the server without asking it."""
        if not autocommit and self.alias == replica.PRIMARY:
            replica.write()
        if self.connection.autocommit == autocommit:
            return
        if self.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self.connection._autocommit = autocommit
        else:
            super()._set_autocommit(autocommit)  # type: ignore[misc] # it is there


def taken_away(alias: str) -> ConnectionPool[psycopg.Connection[Any]] | None:
    """The pool, if there is one; it is nobody's any more."""
    with changing_pools:
        return DatabaseWrapper._connection_pools.pop(alias, None)


def let_go_of_pool(alias: str) -> None:
    """Whoever waits for a connection hears that there is none; those that are there may be silent for ever, and new
    ones are tried by a pool ever more seldom. The next caller makes a new one.
    """
    if (pool := taken_away(alias)) is not None:  # its own threads must not wait for themselves
        threading.Thread(target=pool.close, kwargs={"timeout": 0}, daemon=True).start()


for alias, kind in CONNECTIONS.items():
    kind.doubts.on_arise.append(partial(let_go_of_pool, alias))

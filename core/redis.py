"""Redis for live state, behind a breaker: nothing waits for a dead Redis more than once every few seconds."""

import logging
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import hiredis
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import ClusterDownError, RedisClusterException, SlotNotCoveredError
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")
PAUSE_SECONDS = 2.0
QUIET_SECONDS = 5.0
"""A connection that nobody used for so long may have died without Redis having been away."""
REFUSALS = ("MISCONF", "NOAUTH", "NOPERM", "DENIED", "BUSY ", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS")
NO_NODE = "Redis Cluster cannot be connected"
Client = Any
"""redis-py types its answers as unions of everything it could ever be; each caller here says what it gets."""


class RedisAwayError(Exception):
    """Redis cannot be asked now. Callers serve from PostgreSQL instead."""


class Breaker:
    """Closed: calls pass. A failure opens it for `PAUSE_SECONDS`, in which calls fail at once.

    `on_return` is called before the first call that passes again: what Redis held meanwhile is not to be believed. A
    thread sees to it that this comes soon even if nobody calls: the other processes may not have noticed anything, and
    believe it until then.
    """

    def __init__(self) -> None:
        self.closed_after = 0.0
        self.was_away = False
        self.failures = 0
        self.on_return: list[Callable[[Client], object]] = []
        self.begin_unwatched()

    def begin_unwatched(self) -> None:
        """No thread looks for Redis: a process that was forked has none."""
        self.watched, self.watching = False, threading.Lock()

    def call(self, work: Callable[[Client], T]) -> T:
        """Runs `work` with the client.

        Raises:
            RedisAwayError: the breaker is open, or the call failed and opened it.
        """
        if time.monotonic() < self.closed_after:
            raise RedisAwayError
        try:
            if self.was_away:
                self.come_back()
            return work(client())
        except (redis.RedisError, RedisClusterException) as error:
            if not is_away(error):
                raise
            self.open(error)
            raise RedisAwayError from error

    def open(self, error: Exception) -> None:
        """Redis was not there."""
        self.closed_after = time.monotonic() + PAUSE_SECONDS
        self.failures += 1
        silent = isinstance(error.__context__, BlockingIOError)  # what the kernel says of its patience
        log.warning("redis is away: %s", "it has not answered in time" if silent else error)
        with self.watching:
            self.was_away = True
            if not self.watched:
                threading.Thread(target=self.watch, name="redis-watch", daemon=True).start()
            self.watched = True

    def watch(self) -> None:
        """Asks after each pause, until Redis has been found again by whomever."""
        while self.is_looked_for():
            time.sleep(PAUSE_SECONDS)
            with suppress(RedisAwayError, redis.RedisError):
                if self.was_away:
                    self.call(lambda client: client.ping())
        if clients.here is not None:
            clients.here.close()

    def is_looked_for(self) -> bool:
        """Whether there is still something to watch."""
        with self.watching:
            self.watched = self.was_away
            return self.watched

    def come_back(self) -> None:
        """Says that Redis has been away."""
        for act in self.on_return:
            act(client())
        self.was_away = False


def is_away(error: Exception) -> bool:
    """Whether Redis is not there, or refuses whatever it is asked (full, read-only). Else the bug is ours."""
    full = (redis.exceptions.ReadOnlyError, redis.exceptions.OutOfMemoryError)
    away = (redis.ConnectionError, redis.TimeoutError, ClusterDownError, SlotNotCoveredError, *full)
    return isinstance(error, away) or str(error).startswith((*REFUSALS, NO_NODE))


class Clients(threading.local):
    """A client a thread, each with a connection of its own: none is looked for in a pool, nor given back.

    After a failure every thread makes a new one: its connection may have died too, which only its use would show.
    """

    here: Client = None
    made_after = 0
    used_at = 0.0


clients = Clients()
os.register_at_fork(after_in_child=clients.__dict__.clear)


def client() -> Client:
    """The thread's client: short timeouts, no retries.

    Raises:
        redis.ConnectionError, redis.TimeoutError, RedisClusterException: there is none yet, and Redis does not answer.
    """
    if clients.here is None or clients.made_after != breaker.failures:
        if clients.here is not None:
            clients.here.close()
        clients.made_after = breaker.failures
        clients.here = of_cluster() if settings.REDIS_CLUSTER else of_one()
    elif time.monotonic() - clients.used_at > QUIET_SECONDS:
        replace_dead(clients.here)
    clients.used_at = time.monotonic()
    return clients.here


def replace_dead(client: Client) -> None:
    """Closes the connection if it died, so that its next use opens another. Whoever did not ask Redis meanwhile has not
    missed it: an idle connection is closed by whatever stands between, and by a Redis that was started anew. That is
    noticed by those who do ask: flushers, every second.
    """
    if type(client) is RedisCluster:
        return
    try:
        dead = client.connection.can_read()
    except redis.ConnectionError:
        dead = True
    if dead:
        client.connection.disconnect()


def of_one() -> Client:
    """A client of one Redis, on a connection of its own."""
    return redis.Redis.from_url(
        settings.REDIS_URL, single_connection_client=True, redis_connect_func=let_kernel_wait, **patience()
    )


def let_kernel_wait(connection: Any) -> None:
    """Begins a connection, and has the kernel end its waiting: Python would ask before each word whether there is one,
    and give the other threads of the process their turn each time.
    """
    connection.on_connect()
    sock = connection._sock
    if not isinstance(sock, ssl.SSLSocket):
        seconds, rest = divmod(connection.socket_timeout, 1)
        longest = struct.pack("ll", int(seconds), int(rest * 1_000_000))
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            sock.setsockopt(socket.SOL_SOCKET, way, longest)
        sock.settimeout(None)


def of_cluster() -> Client:
    """A client of the cluster that a node at this address is of. It asks who has which keys, and again as they move."""
    return RedisCluster.from_url(settings.REDIS_URL, **patience())


def patience() -> dict[str, Any]:
    """How long a client waits, and that it asks once."""
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 0)}


breaker = Breaker()
os.register_at_fork(after_in_child=breaker.begin_unwatched)
call = breaker.call


def ask(client: Client, *words: Any) -> Any:
    """One command on the client's own connection. redis-py's `execute_command` adds a lock, retries and telemetry, at
    the price of half a request of track; none of them has anything to do here.

    Raises:
        redis.RedisError: as `execute_command` does. A connection that failed is closed, and opened by its next use.
    """
    if type(client) is RedisCluster:  # `isinstance` would look into all that a generic class could be
        return client.execute_command(*words)  # type: ignore[no-untyped-call] # as it is
    client.connection.send_packed_command((hiredis.pack_command(words),))
    return client.connection.read_response()


def many(client: Client, keys: Sequence[str]) -> list[bytes | None]:
    """What these keys hold, wherever in a cluster they are."""
    values: list[bytes | None] = client.mget_nonatomic(keys) if isinstance(client, RedisCluster) else client.mget(keys)
    return values

"""Figures are read from a replica, where there is one that keeps up, so that staff who look at years of visits take
nothing from shoppers. All else is asked of the primary: logins, and whatever staff change and want to see changed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, models
from psycopg import errors
from psycopg_pool import PoolTimeout

from core.postgresql.patience import waits_at_most

log = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")
PRIMARY, REPLICA = DEFAULT_DB_ALIAS, "replica"
AWAY = (OperationalError, InterfaceError, PoolTimeout)
ANSWER_SECONDS = 2.0
"""A replica that takes longer to say how far it is, is away."""
BELIEVED_SECONDS, SHUNNED_SECONDS = 1.0, 10.0
"""So long a process believes what it was told, and asks no replica that was away: that may take seconds."""

# All that the primary had written is replayed, or else the last transaction that is was committed not so long ago. The
# second alone would take a primary that is idle for a replica that is late; what the replica itself knows of both would
# take a broken line for an idle primary.
PRIMARY_IS_AT = "SELECT pg_current_wal_lsn()::text, clock_timestamp()"
REPLICA_IS_BEHIND = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL WHEN pg_last_wal_replay_lsn() >= %s::pg_lsn THEN 0
       ELSE extract(epoch FROM %s - pg_last_xact_replay_timestamp()) END::float
"""


class Place(threading.local):
    """Where this thread reads figures."""

    alias = PRIMARY


place = Place()
figures: set[type[models.Model]] = set()
"""Models whose rows are read where `place` says (`analytics.apps`). Those of all others are read on the primary."""


class Router:
    """Django's DATABASE_ROUTERS."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        """A row that came from the replica has its relations on the primary all the same."""
        return place.alias if model in figures else PRIMARY

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return PRIMARY

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        """They are two of the same."""
        return True

    def allow_migrate(self, alias: str, label: str, **hints: Any) -> bool:
        return alias == PRIMARY


class Fitness:
    """Whether the replica is there and keeps up, as far as this process knows."""

    def __init__(self) -> None:
        self.fit = True
        self.known_until = 0.0
        self.asking = threading.Lock()

    def is_fit(self) -> bool:
        """What is known; asked anew by one thread at a time."""
        if REPLICA not in connections:
            return False
        if time.monotonic() >= self.known_until and self.asking.acquire(blocking=False):
            try:
                self.ask()
            finally:
                self.asking.release()
        return self.fit

    def ask(self) -> None:
        """Two round trips. A primary that is away is not this one's to tell of: whoever reads there finds out."""
        try:
            with waits_at_most(ANSWER_SECONDS):
                late = behind()
        except AWAY as error:
            self.shun(error)
            return
        self.known_until = time.monotonic() + BELIEVED_SECONDS
        if late is None:
            self.say(False, "DATABASE_REPLICA_URL leads to no replica")
        else:
            self.say(late <= settings.DATABASE_REPLICA_LAG_SECONDS, f"the replica is {late:.0f} s behind")

    def shun(self, error: Exception) -> None:
        """It was not there for this thread, whose connection may be dead."""
        connections[REPLICA].close()
        self.known_until = time.monotonic() + SHUNNED_SECONDS
        self.say(False, f"the replica cannot be asked: {error}")

    def say(self, fit: bool, why: str) -> None:
        """Notes it; changes are logged."""
        if fit != self.fit:
            log.warning("figures are read from the replica" if fit else f"figures are read from the primary: {why}")
        self.fit = fit


fitness = Fitness()


def behind() -> float | None:
    """By how many seconds the replica is behind, by the primary's clock; None if it is none.

    Raises:
        OperationalError, InterfaceError, PoolTimeout: one of the two cannot be asked.
    """
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(PRIMARY_IS_AT)
        at = cursor.fetchone()
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(REPLICA_IS_BEHIND, at)
        late: float | None = cursor.fetchone()[0]
    return late


def from_replica(read: Callable[P, T]) -> Callable[P, T]:
    """A function that only reads, asked of the replica if that is fit, and of the primary if it fails there.

    What it reads within is all of one place, unless it begins a transaction: from then on it reads what it wrote.
    """

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        if place.alias == REPLICA or not fitness.is_fit():
            return read(*args, **kwargs)
        try:
            with at(REPLICA):
                return read(*args, **kwargs)
        except FailedThereError as failed:
            fitness.shun(failed.error)
        return read(*args, **kwargs)

    return reading


class FailedThereError(Exception):
    """The replica was not there, or took an answer back."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def at(alias: str) -> Iterator[None]:
    """Figures are read there by this thread, in a `with` block or the function that this decorates.

    Raises:
        FailedThereError: the replica was away. Not if a statement took too long: it would do so on the primary.
    """
    before, place.alias = place.alias, alias
    try:
        yield
    except AWAY as error:
        if place.alias == PRIMARY or isinstance(error.__cause__, errors.QueryCanceled):
            raise
        raise FailedThereError(error) from error
    finally:
        place.alias = before


def write() -> None:
    """This thread begins to write: from now on it reads what it wrote."""
    place.alias = PRIMARY

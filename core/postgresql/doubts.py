"""Whether PostgreSQL is there, as far as this process knows: nothing waits for a dead one again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Self

import psycopg
from psycopg import errors
from psycopg.abc import PQGen

from core.postgresql.patience import patience

log = logging.getLogger(__name__)
PAUSE_SECONDS = 1.0


class Doubts:
    """None: connections are given out as usual. Once the server was silent or could not be reached, one caller asks it
    a question; until it has answered that, the others are refused at once.
    """

    def __init__(self) -> None:
        self.arisen = False
        self.ended_at = self.asked_again_after = 0.0
        self.asking = threading.Lock()
        self.on_arise: list[Callable[[], object]] = []

    def arise(self, error: Exception, *, began: float) -> None:
        """The server was not there for somebody, who `began` to ask then (`time.monotonic`). Who has asked since before
        it was found again tells nothing new.
        """
        if self.arisen or began < self.ended_at:
            return
        self.arisen, self.asked_again_after = True, time.monotonic() + PAUSE_SECONDS
        log.warning("PostgreSQL may be away: %s", error)
        for act in self.on_arise:
            act()

    def settle(self, ask: Callable[[], object]) -> None:
        """Returns if there are no doubts, or `ask` has ended them.

        Raises:
            OperationalError: the server is away, or somebody else is still asking.
        """
        if not self.arisen:
            return
        if time.monotonic() < self.asked_again_after or not self.asking.acquire(blocking=False):
            raise psycopg.OperationalError("PostgreSQL is away")
        try:
            ask()
            log.warning("PostgreSQL is there")
            self.end()
        except psycopg.OperationalError:
            self.asked_again_after = time.monotonic() + PAUSE_SECONDS
            raise
        finally:
            self.asking.release()

    def end(self) -> None:
        """The server is there."""
        self.arisen, self.ended_at = False, time.monotonic()


doubts = Doubts()
"""Whether the primary is there."""


class Connection(psycopg.Connection[Any]):
    """One that does not wait for ever, and tells of a server that is not there."""

    doubts: ClassVar[Doubts] = doubts

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        began = time.monotonic()
        try:
            return super().connect(*args, **kwargs)
        except psycopg.OperationalError as error:
            cls.doubts.arise(error, began=began)
            raise

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's, but no longer than this thread has patience for. Whatever comes later is nobody's any more.

        Raises:
            OperationalError: nothing came in time; the connection is closed.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        began = time.monotonic()
        try:
            return super().wait(gen, interval, patience.seconds)
        except errors._WaitTimeout:
            self.pgconn.finish()
            silence = psycopg.OperationalError(f"PostgreSQL has said nothing for {patience.seconds} seconds")
            self.doubts.arise(silence, began=began)
            raise silence from None


class ReplicaConnection(Connection):
    """One to the replica, which may be away for itself."""

    doubts: ClassVar[Doubts] = Doubts()

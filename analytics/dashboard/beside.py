"""What takes PostgreSQL long is asked on a connection of its own, while what stands above it on the page is drawn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connection, connections
from django.utils.functional import cached_property

from core.postgresql.replica import from_replica

T = TypeVar("T")
Question = tuple[str, Callable[[], T]]
"""What is asked, once under its name however many tiles want it, and how."""
threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="beside")
"""Of a process. The pool has that many more connections than there are requests; PostgreSQL has other things to do."""


class Answer(Generic[T]):
    """What `ask` answers. It has begun to be asked, unless all threads are busy, or this is within a transaction: what
    that has not committed no other connection sees. Then it is asked when it is wanted.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self.ask = ask
        self.begun = None if connection.in_atomic_block else threads.submit(asked, ask)

    @cached_property
    def value(self) -> T:
        """The answer.

        Raises:
            DatabaseError, PoolTimeout: as `ask` does.
        """
        return self.ask() if self.begun is None or self.begun.cancel() else self.begun.result()


def asked(ask: Callable[[], T]) -> T:
    """What it answers, on this thread's connections, which go back to their pools."""
    try:
        return from_replica(ask)()
    finally:
        connections.close_all()

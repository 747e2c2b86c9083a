"""How many threads of a process wait for a provider: one that hangs holds up who pays, and not who browses.

Each may wait for a moment; longer, no more than half of web's threads. While those do, a few may try for that moment,
and whoever comes besides is told at once. A provider that answers in good time is called by as many as there are
(docs/decisions/0029).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from core.postgresql.giving_back import give_back

T = TypeVar("T")
MOMENT_SECONDS = 1.0
LONG = 4
"""So many wait for longer; web has 8 threads (Procfile)."""
TRYING = 2
"""So many wait beside those."""


@dataclass
class Waiting:
    """Threads of this process that wait now."""

    lock: Lock = field(default_factory=Lock)
    all: int = 0
    long: int = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """For the length of a `with` block.

        Raises:
            TimeoutError: there is no place.
        """
        with self.lock:
            if self.long >= LONG and self.all >= LONG + TRYING:
                raise TimeoutError("others wait already")
            self.all += 1
        try:
            yield
        finally:
            with self.lock:
                self.all -= 1

    @contextmanager
    def for_long(self) -> Iterator[None]:
        """For the length of a `with` block.

        Raises:
            TimeoutError: there is no place.
        """
        with self.lock:
            if self.long >= LONG:
                raise TimeoutError("others wait for longer")
            self.long += 1
        try:
            yield
        finally:
            with self.lock:
                self.long -= 1


waiting = Waiting()


def result_of(begin: Callable[[], Future[T]], *, seconds: float) -> T:
    """What comes of a call within its time, or what it raises. No database connection is held meanwhile.

    Raises:
        TimeoutError: nothing came, or there is no place to wait; the call, if it was begun, may go on.
    """
    with waiting.one_more():
        give_back()
        call = begin()
        try:
            return in_two_steps(call, seconds)
        finally:
            call.cancel()


def in_two_steps(call: Future[T], seconds: float) -> T:
    """The same, once it was begun: in a moment, or for long."""
    moment = min(seconds, MOMENT_SECONDS)
    try:
        return call.result(moment)
    except TimeoutError:
        if call.done() or moment == seconds:
            raise
    with waiting.for_long():
        return call.result(seconds - moment)

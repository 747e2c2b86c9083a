"""How providers are called: the time that a call may take, the connections, and what is said of useless answers."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar, cast

import httpx2

from core import clock, counts, measured
from core.outward import tls
from orders.providers import lately
from orders.providers.contract import BillingUnavailableError, PollError
from orders.providers.waiting import result_of

T = TypeVar("T")
log = logging.getLogger("orders.providers")
TIMEOUT = httpx2.Timeout(10, connect=3)
LONGEST_SECONDS = 10
"""A call ends after this, even if a byte comes now and then: httpx counts from byte to byte."""
WITHDRAW_SECONDS = 2
"""Of the call that takes a pay session back, which comes after one that may have taken its whole time."""
CONNECTIONS = 32
COUNTED = "billing"


@cache
def client() -> httpx2.Client:
    """The process's connections to providers."""
    return httpx2.Client(
        timeout=TIMEOUT,
        limits=httpx2.Limits(max_connections=CONNECTIONS),
        follow_redirects=False,
        verify=tls(),
        event_hooks={"response": [read_in_time]},
    )


class InTime(httpx2.SyncByteStream):
    """A body that is read for LONGEST_SECONDS: then nobody waits for it any more, and others need its thread."""

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self.stream, self.ends = stream, time.monotonic() + LONGEST_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        for part in self.stream:
            if time.monotonic() > self.ends:
                raise httpx2.ReadTimeout("the body takes too long")
            yield part

    def close(self) -> None:
        self.stream.close()


def read_in_time(answer: httpx2.Response) -> None:
    """Before its body is read."""
    answer.stream = InTime(cast("httpx2.SyncByteStream", answer.stream))


@cache
def callers() -> ThreadPoolExecutor:
    """Whoever waits for a provider in a request's stead; one that is left waiting goes on until its time is over."""
    return ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="billing")


os.register_at_fork(after_in_child=callers.cache_clear)  # threads stay with the parent


def in_time(call: Callable[[], T], *, seconds: float | None = None) -> T:
    """What a call returns within its time (LONGEST_SECONDS unless told; a moment where many wait already).

    Raises:
        BillingUnavailableError: nothing was answered, or not asked; it is counted and said.
    """
    lately.note("asked", now=clock.now())
    begun = time.perf_counter()
    try:
        answer = result_of(lambda: callers().submit(call), seconds=LONGEST_SECONDS if seconds is None else seconds)
        note_seconds("request", "answered", begun)
        return answer
    except (httpx2.HTTPError, TimeoutError) as error:
        note_seconds("request", silence(error).kind, begun)
        log.warning("billing: %s", describe(error))
        counts.count(COUNTED, silence(error).kind, now=clock.now())
        lately.note("failed", now=clock.now())
        raise BillingUnavailableError from error


def useless(kind: str, text: str) -> BillingUnavailableError:
    """What an answer comes to that is not the one agreed; it is counted and said."""
    log.error("%s", text)
    counts.count(COUNTED, kind, now=clock.now())
    lately.note("failed", now=clock.now())
    return BillingUnavailableError()


def note_seconds(call: str, outcome: str, begun: float) -> None:
    """Notes how long a call took that began at that count of `perf_counter`: a `request`'s, or a `poll`."""
    measured.observe(measured.BILLING, (call, outcome), time.perf_counter() - begun)


def silence(error: Exception) -> PollError:
    """What it means that nothing was answered."""
    late = isinstance(error, TimeoutError | httpx2.TimeoutException)
    return PollError(describe(error), "timeout" if late else "network")


def describe(error: Exception) -> str:
    """An error for the log and the attempt."""
    return f"{type(error).__name__}: {error}"[:300]


def note_useless(error: PollError, *, checkout_id: str) -> None:
    """Counts a question about a pay session to which no useful answer came, and says so now and then."""
    text = f"billing's answer about {checkout_id} is of no use: {error}"
    counts.note(log, COUNTED, error.kind, text, now=clock.now())
    lately.note("failed", now=clock.now())

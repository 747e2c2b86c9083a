"""Many questions to billing at once: `AT_ONCE` at a time over one pool, each answer handed over as it comes.

Calls run in a thread of their own, so that an answer is settled while others are still waited for: one that takes its
whole time holds up nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import httpx2

from core import clock
from core.outward import tls
from core.postgresql.giving_back import give_back
from orders.models import PaymentAttempt
from orders.providers import calls, lately, registry
from orders.providers.contract import PollError, Report
from orders.services.settling import contradicts

T = TypeVar("T")
AT_ONCE = 100
LOT = 50
"""So many are taken at a time, whenever no more than `AT_ONCE` are waited for."""
Work = Callable[[httpx2.AsyncClient, PaymentAttempt], Awaitable[T]]
Taken = Sequence[PaymentAttempt]


@dataclass
class Round:
    """What a round did. `errors` by kind: timeout, network, server_error, key_refused, not_as_agreed, contradicts,
    database, not_configured.
    """

    checked: int = 0
    still_open: int = 0
    changed: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def fail(self, kind: str) -> None:
        """Counts an error."""
        self.errors[kind] = self.errors.get(kind, 0) + 1


def ask_about(work: Work[T], take: Callable[[], Taken]) -> Iterator[tuple[PaymentAttempt, T]]:
    """Does `work` for all that `take` gives, and yields the results as they come.

    `take` is called again and again, not more than `AT_ONCE + LOT` ahead, until it gives nothing.
    """
    results: SimpleQueue[Future[tuple[PaymentAttempt, T]]] = SimpleQueue()
    waiting, more = 0, True
    with callers(work) as call:
        while True:
            while more and waiting <= AT_ONCE:
                taken = take()
                more = bool(taken)
                waiting += len(taken)
                for attempt in taken:
                    call(attempt).add_done_callback(results.put)
            if not waiting:
                return
            if results.empty():
                give_back()
            yield results.get().result()
            waiting -= 1


@contextmanager
def callers(work: Work[T]) -> Iterator[Callable[[PaymentAttempt], Future[tuple[PaymentAttempt, T]]]]:
    """Yields what begins the work for an attempt; it runs in another thread until the `with` block ends."""
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    session = httpx2.AsyncClient(timeout=calls.TIMEOUT, limits=limits, follow_redirects=False, verify=tls())
    gate, done = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    running: Future[asyncio.AbstractEventLoop] = Future()

    async def serve() -> None:
        async with session:
            running.set_result(asyncio.get_running_loop())
            await done.wait()

    async def one(attempt: PaymentAttempt) -> tuple[PaymentAttempt, T]:
        async with gate:
            return attempt, await work(session, attempt)

    thread = Thread(target=asyncio.run, args=(serve(),), name="billing", daemon=True)
    thread.start()
    loop = running.result()
    try:
        yield lambda attempt: asyncio.run_coroutine_threadsafe(one(attempt), loop)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


async def answer_about(session: httpx2.AsyncClient, attempt: PaymentAttempt) -> Report | PollError:
    """What billing says of a pay session; an error is one attempt's own."""
    answer: Report | PollError
    begun = time.perf_counter()
    try:
        answer = await registry.provider_of(attempt.provider).ask(session, attempt.billing_checkout_id)
    except PollError as error:
        answer = error
    calls.note_seconds("poll", answer.kind if isinstance(answer, PollError) else "answered", begun)
    return answer


def believed(attempt: PaymentAttempt, answer: Report | PollError) -> Report | PollError:
    """The answer, unless it is about another order than the attempt's: then it is as good as none. That is counted."""
    lately.note("asked", now=clock.now())
    if isinstance(answer, Report) and contradicts(answer, attempt):
        answer = PollError(f"about another order of billing's: {answer.order_id}"[:300], "contradicts")
    if isinstance(answer, PollError):
        calls.note_useless(answer, checkout_id=attempt.billing_checkout_id)
    return answer


def ask_each(work: Work[T], attempts: Taken) -> list[T]:
    """Does `work` for these; the results in their order."""
    if not attempts:
        return []
    lots = iter([attempts, ()])
    found = {attempt.pk: result for attempt, result in ask_about(work, lambda: next(lots))}
    return [found[attempt.pk] for attempt in attempts]

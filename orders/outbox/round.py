"""A round of delivery: what is new goes on its way, what is due is sent, until nothing is left or the time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread

import httpcore2

from core.outward import OutwardBackend, tls
from orders.models import WebhookDelivery
from orders.outbox.calling import LONGEST_SECONDS, Letter, Said, call
from orders.outbox.claiming import AT_ONCE, Hand
from orders.outbox.recording import Outcome, kind_of, record
from orders.outbox.spreading import spread, stream

ROUND_SECONDS = 15
"""A round takes nothing more up after this. The next tick does not wait for what is still under way."""
LOOKS_AFTER = 0.5
"""Seconds. While calls are under way, what is new is looked for so often."""
GATHERS = 0.02
"""Seconds after an answer in which others are waited for, to be written down with it."""
Answer = tuple[Letter, Said]
Status = WebhookDelivery.Status


@dataclass
class Round:
    """What a round did. `spread`: events that got their deliveries; `streamed`: events added to the stream. `errors`
    of calls by kind: timeout, network, inner_address, refused, gone, http_3xx, http_4xx, http_5xx.
    """

    spread: int = 0
    streamed: int = 0
    delivered: int = 0
    dead: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def note(self, outcome: Outcome) -> None:
        """Counts what came of a call."""
        self.delivered += outcome.status == Status.DELIVERED
        self.dead += outcome.status == Status.DEAD
        if not outcome.said.is_delivered:
            kind = kind_of(outcome.said)
            self.errors[kind] = self.errors.get(kind, 0) + 1


@dataclass
class Watch:
    """The time of a round: it began at `start` and takes up new work for `seconds`."""

    start: datetime
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.start + timedelta(seconds=self.spent)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken up."""
        return self.spent > self.seconds

    @property
    def is_patient(self) -> bool:
        """Whether there is time still for a silent subscriber: a round must not end with waiting for it."""
        return self.spent <= self.seconds - LONGEST_SECONDS


def deliver_outbox(*, now: datetime, seconds: float = ROUND_SECONDS) -> Round:
    """Publishes the events that are new, and sends what is due. Safe to run many times at once."""
    result, watch, hand = Round(), Watch(now, seconds), Hand()
    answers: SimpleQueue[Future[Answer]] = SimpleQueue()
    with callers() as begin:
        while True:
            new = 0 if watch.is_over else publish(result, watch)
            for letter in [] if watch.is_over else hand.take(now=watch.now, patient=watch.is_patient):
                begin(letter, watch.now).add_done_callback(answers.put)
            if not hand.under_way and not new:
                return result
            if hand.under_way:
                settle(result, hand, some(answers, most=hand.under_way), watch)


def publish(result: Round, watch: Watch) -> int:
    """Sends a batch of what is new on its way; how many events."""
    spread_now, streamed = spread(now=watch.now), stream(now=watch.now)
    result.spread += spread_now
    result.streamed += streamed
    return spread_now + streamed


def settle(result: Round, hand: Hand, answers: list[Answer], watch: Watch) -> None:
    """Writes down what was answered."""
    if not answers:
        return
    for outcome in record(answers, now=watch.now):
        hand.put_down(outcome.letter)
        result.note(outcome)


def some(answers: SimpleQueue[Future[Answer]], *, most: int) -> list[Answer]:
    """What has been answered by now, of so many under way; the first is waited for, but not long."""
    found: list[Answer] = []
    ends = time.monotonic() + LOOKS_AFTER
    try:
        while len(found) < most:
            found.append(answers.get(timeout=max(0, ends - time.monotonic())).result())
            ends = min(ends, time.monotonic() + GATHERS) if len(found) == 1 else ends
    except Empty:
        return found
    return found


@contextmanager
def callers() -> Iterator[Callable[[Letter, datetime], Future[Answer]]]:
    """Yields what begins a call; it runs in another thread until the `with` block ends."""
    running: Future[asyncio.AbstractEventLoop] = Future()
    names, done = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="names"), asyncio.Event()
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=tls(),
        max_connections=AT_ONCE,
        max_keepalive_connections=AT_ONCE,
        keepalive_expiry=LONGEST_SECONDS,
        network_backend=OutwardBackend(names),
    )

    async def serve() -> None:
        async with pool:
            running.set_result(asyncio.get_running_loop())
            await done.wait()

    async def one(letter: Letter, now: datetime) -> Answer:
        return letter, await call(pool, letter, now=now)

    thread = Thread(target=asyncio.run, args=(serve(),), name="subscribers", daemon=True)
    thread.start()
    loop = running.result()
    try:
        yield lambda letter, now: asyncio.run_coroutine_threadsafe(one(letter, now), loop)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        names.shutdown(wait=False, cancel_futures=True)

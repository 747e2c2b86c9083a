"""What processes grow by while a million events pass through them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.load import load_round
from benchmarks.measurement import Measurement, require
from benchmarks.storefront_requests import empty_stream, visitors
from benchmarks.tracking import track_request
from benchmarks.web import Web, gunicorn
from config.embedded import PROJECT
from core import redis as core_redis
from sessions_app.models import SessionEvent
from sessions_app.state import STREAM

EVENTS = 1_000_000
WARM_UP_EVENTS = 100_000
A_REQUEST = 100
AHEAD = 100_000
"""So many events may wait for the flusher before the next are sent."""
FLUSHER = """
import django, time
django.setup()
from sessions_app.ingest import flush
while True:
    if not flush(consumer="bench"):
        time.sleep(0.1)
"""


def ingest_memory() -> Measurement:
    """What the web process and a flusher, each its own, grow by in MB while a million events are sent, a hundred at a
    time, and stored; after a hundred thousand that load the code and fill the caches.
    """
    empty_stream()
    with gunicorn("shop") as shop, flusher() as storing:
        pass_through(shop, WARM_UP_EVENTS)
        before = resident(shop.process) + resident(storing)
        pass_through(shop, EVENTS)
        grown = resident(shop.process) + resident(storing) - before
    return Measurement(grown / 1024**2, "MB")


def pass_through(shop: Web, events: int) -> None:
    """Sends so many events, and waits until they are stored.

    Raises:
        NotDoneError: an answer was not good, or events are missing.
    """
    sent, before = 0, SessionEvent.objects.count()
    while sent < events:
        requests = [track_request(session, events=A_REQUEST, named=False) for session in visitors()]
        load, _sample = load_round(shop, requests, seconds=1)
        sent += load.answers * A_REQUEST
        wait_until_shorter(AHEAD)
    wait_until_shorter(1)
    require(SessionEvent.objects.count() - before >= sent, f"{sent} were sent, not all of them stored")


def wait_until_shorter(length: int) -> None:
    """Waits until fewer events are in the stream.

    Raises:
        NotDoneError: the flusher does not get on.
    """
    deadline = time.monotonic() + 120
    while core_redis.client().xlen(STREAM) >= length:
        require(time.monotonic() < deadline, "the flusher does not get on")
        time.sleep(0.05)


@contextmanager
def flusher() -> Iterator[psutil.Process]:
    """A process that stores events, for the length of a `with` block."""
    started = subprocess.Popen([sys.executable, "-c", FLUSHER], cwd=PROJECT)
    try:
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(30)


def resident(process: psutil.Process) -> int:
    """Bytes of memory of a process and its children."""
    found: int = sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    return found

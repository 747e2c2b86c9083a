"""An event that was answered 202 is kept: web, flusher and Redis are killed under load, in turn.

Redis writes its file before it answers, but while the disk is busy: so of what it took in its last second some may be
lost with it. Of everything else nothing is.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psutil
import pytest
from django.conf import LazySettings

from config.embedded import PROJECT
from core import redis as core_redis
from sessions_app import ingest
from sessions_app.models import DeadLetter, SessionEvent, VisitorSession
from tests.browsers import CHROME
from tests.promises.forks import Forks
from tests.promises.processes import LONG, PATIENCE, environment, until
from tests.redis_server import RedisServer, own_redis

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5 if LONG else 1
VISITORS = 2
LOAD_SECONDS = 0.4
"""Between two deaths."""
LAST_SECOND = 1.0
PAUSE_SECONDS = 0.01


@dataclass
class Crowd:
    """Visitors whose scripts send page views, to a shop that may not be there."""

    address: str
    kept: dict[str, float] = field(default_factory=dict)
    """The events that were answered 202, and when (monotonic)."""
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, path: str, body: Any, token: str = "") -> tuple[int, Any]:
        """One request."""
        headers = {"content-type": "application/json", "user-agent": CHROME, "x-visitor-session": token}
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)

    def visit(self) -> None:
        """A visitor's life."""
        token = ""
        while not self.over.is_set():
            with suppress(OSError, ValueError):
                token = token or self.ask("/storefront/session", {})[1]["data"]["session"]["token"]
                self.view(token)
            time.sleep(PAUSE_SECONDS)

    def view(self, token: str) -> None:
        """A page view."""
        event_id = str(uuid4())
        sent = {"eventId": event_id, "eventType": "page_view", "page": "/x"}
        status, _body = self.ask("/analytics/track", sent, token)
        if status == 202:
            self.kept[event_id] = time.monotonic()


@contextmanager
def crowd_at(address: str) -> Iterator[Crowd]:
    """They come, and leave at the end of the `with` block."""
    crowd = Crowd(address)
    threads = [threading.Thread(target=crowd.visit) for _ in range(VISITORS)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.over.set()
        for thread in threads:
            thread.join()


class Web:
    """gunicorn, whose workers may be killed: it forks new ones."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        words = ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread"]
        more = ["--threads", "4", "--preload", "--no-control-socket", "--log-level", "critical"]
        self.process = subprocess.Popen([sys.executable, "-m", *words, *more], cwd=PROJECT, env=environment())

    def wait(self) -> None:
        """Until somebody answers."""
        until(self.workers, "web is there", seconds=4 * PATIENCE)

    def workers(self) -> list[psutil.Process]:
        """Those that answer."""
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """`kill -9`."""
        for worker in self.workers():
            worker.kill()

    def close(self) -> None:
        """Nobody answers any more."""
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    """A Redis that the test may kill; nobody's requests are limited."""
    with own_redis(settings) as own:
        yield own


def deaths(server: RedisServer, crowd: Crowd, web: Web, flusher: Forks) -> list[float]:
    """Each dies and comes back, under load; when Redis died."""
    died = []
    for _ in range(ROUNDS):
        flusher.begin()
        load()
        flusher.kill()
        load(LAST_SECOND + LOAD_SECONDS)
        died.append(time.monotonic())
        server.kill()
        load()
        server.start()
        web.kill()
        load()
    flusher.begin()
    before = len(crowd.kept)
    until(lambda: len(crowd.kept) > before, "the shop goes on")
    return died


def load(seconds: float = LOAD_SECONDS) -> None:
    """The crowd goes on."""
    time.sleep(seconds)


def lost(server: RedisServer) -> list[str]:
    """Events that were answered 202, not in the last second of a Redis, and are nowhere."""
    with ExitStack() as stack:
        web, flusher = Web(), Forks("tests.promises.flushing")
        stack.callback(web.close)
        stack.callback(flusher.close)
        web.wait()
        with crowd_at(f"http://127.0.0.1:{web.port}/api/v1") as crowd:
            until(lambda: crowd.kept, "the first event is kept")
            died = deaths(server, crowd, web, flusher)
    core_redis.client().delete(ingest.TURN)  # as if the lease of the last flusher were over
    while ingest.flush(consumer="last"):
        pass
    there = {str(event_id) for event_id in SessionEvent.objects.values_list("event_id", flat=True)}
    assert len(there) > VISITORS
    missing = [event_id for event_id in crowd.kept if event_id not in there]
    return [name for name in missing if not any(0 <= end - crowd.kept[name] <= LAST_SECOND for end in died)]


def test_what_was_answered_202_is_kept_whoever_is_killed(server: RedisServer) -> None:
    assert lost(server) == []
    assert not DeadLetter.objects.exists()
    counted = sum(VisitorSession.objects.values_list("script_page_views", flat=True))
    assert counted == SessionEvent.objects.count()


@pytest.mark.skipif(not LONG, reason="as long again: make promises")
def test_control_a_redis_without_a_file_loses_what_waits(server: RedisServer) -> None:
    server.append_only = False
    server.kill()
    server.start()
    assert lost(server)

"""gunicorn as the Procfile starts it, on a free port, and what it costs."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from benchmarks.costs import family_seconds, own_seconds
from benchmarks.measurement import NotDoneError, Sample
from config.embedded import MARK, PROJECT, home
from config.run import procfile

READY_SECONDS = 30
LEAST_SHARE = 0.4
"""Of a round's processor time, for each of two workers. Less: it stood still for lack of connections."""
TRIES = 20


@dataclass(frozen=True)
class Web:
    """A running gunicorn."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Processor time that the master and its workers have used so far."""
        return family_seconds(self.process)

    def evenly(self, work: Callable[[], Sample]) -> Sample:
        """A round in which all workers had something to do. A connection stays with the worker that took it, and now
        and then one takes all, while the other is idle: such a round measures one processor, and is done again.

        Raises:
            NotDoneError: as `work` does, or there was no such round.
        """
        for _try in range(TRIES):
            before = self.worker_seconds()
            sample = work()
            spent = [after - used for after, used in zip(self.worker_seconds(), before, strict=True)]
            if min(spent) >= LEAST_SHARE * sum(spent):
                return sample
        raise NotDoneError(f"in {TRIES} rounds one worker of gunicorn had nearly all connections")

    def worker_seconds(self) -> list[float]:
        """Processor time of each worker so far."""
        return [own_seconds(worker) for worker in self.process.children()]


@contextmanager
def gunicorn(
    name: str,
    *,
    application: str = "config.wsgi",
    settings: str = "config.settings",
    ready: str = "/livez",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Web]:
    """The Procfile's web process with another application or other settings, for the length of a `with` block.

    Only two things differ from the Procfile: it listens on this machine alone, and workers are not renewed after so
    many requests, because that would fall into some rounds and not into others.

    Raises:
        NotDoneError: it does not answer `ready` with 200.
    """
    port = free_port()
    line = procfile()["web"].replace("config.wsgi", application).replace("0.0.0.0:$PORT", f"127.0.0.1:{port}")
    words = [sys.executable, "-m", *shlex.split(line), "--max-requests", "0"]
    log = home() / "log" / f"bench-{name}.log"
    with open(log, "wb") as output:
        variables = os.environ | environment | {"DJANGO_SETTINGS_MODULE": settings, MARK: str(home())}
        started = subprocess.Popen(words, stdout=output, stderr=output, cwd=PROJECT, env=variables)
    try:
        wait_for(f"http://127.0.0.1:{port}{ready}", started, log=str(log))
        yield Web(port, psutil.Process(started.pid))
    finally:
        started.terminate()
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str, process: subprocess.Popen[bytes], *, log: str) -> None:
    """Waits until the server answers.

    Raises:
        NotDoneError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise NotDoneError(f"the web process does not answer {url}. Its log: {log}")

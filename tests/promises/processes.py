"""Workers and beats as the Procfile starts them, each a process of its own, on this test's database and Redis."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from django.conf import settings
from django.db import connection

from config import embedded
from config.embedded import PROJECT
from config.run import procfile
from config.settings import broker_url
from tests import logs

PATIENCE = 30
"""Seconds for what takes one, on a machine that runs the other tests at the same time."""
SECONDS = int(os.environ.get("PROMISE_SECONDS", "8"))
LONG = "PROMISE_SECONDS" in os.environ
"""`make promises` runs what takes its time for longer, and in every case."""
QUEUES_BESIDE = 32
"""The queues are in a Redis database of their own: the test's is emptied before each test."""


def until(ask: Callable[[], object], what: str, *, seconds: float = PATIENCE, of: Future[Any] | None = None) -> None:
    """Waits for a truthy answer. Where it is one `of` what another thread does, and that fails, its error is raised."""
    deadline = time.monotonic() + seconds
    while not ask():
        if of is not None and of.done():
            of.result()
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


def queues_address() -> str:
    """The Redis database of the queues."""
    address, _, number = str(settings.REDIS_URL).partition("?db=")
    return f"{address}?db={int(number or 0) + QUEUES_BESIDE}"


def environment() -> dict[str, str]:
    """What our processes see: this test's servers. Marked, so that what a killed run leaves is ended by the next."""
    server = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
    return os.environ | {
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
        "REDIS_URL": str(settings.REDIS_URL),
        "CELERY_BROKER_URL": broker_url(queues_address()),
        "BILLING_URL": str(settings.BILLING_URL),
        "PYTHONUNBUFFERED": "1",
        embedded.MARK: str(embedded.home()),
    }


class Running:
    """A line of the Procfile, running. It says what it does, and its words go to a file."""

    def __init__(
        self, line: str, *words: str, folder: Path, more: Mapping[str, str] | None = None, app: str = "config.celery"
    ) -> None:
        self.log = folder / f"{line}-{uuid4().hex[:8]}.log"
        command = [sys.executable, "-m", *shlex.split(procfile()[line]), "--loglevel", "INFO", *words]
        command[command.index("-A") + 1] = app
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**environment(), **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def lines(self, *words: str) -> list[str]:
        """What it said that holds all these words."""
        said = self.log.read_text(errors="replace").splitlines()
        return [line for line in said if all(word in line for word in words)]

    def wait_for(self, *words: str) -> None:
        """Waits until it says so."""
        until(lambda: self.lines(*words) or self.ended(), f"{words} in {self.log}")
        assert not self.ended(), self.log.read_text()

    def ended(self) -> bool:
        """Whether it is no more."""
        return self.process.poll() is not None

    def kill(self, *, children: bool = False) -> None:
        """`kill -9` of all its processes, or of its children alone. With the last its words are searched."""
        found = psutil.Process(self.process.pid).children(recursive=True) if not self.ended() else []
        if not children:
            self.process.kill()
            self.process.wait(PATIENCE)
        for child in found:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        until(lambda: not any(is_at_work(child) for child in found), "the killed are dead")
        if not children:
            logs.search(self.log)


def is_at_work(process: psutil.Process) -> bool:
    """Whether it does anything still; whoever should take note of its death may be slow to."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

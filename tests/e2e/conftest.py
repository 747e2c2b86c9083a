"""The whole shop as `make run` starts it: its own servers, web, worker and beat, in a home of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page

from config.embedded import PROJECT
from tests.browsers import CHROME

STARTS_WITHIN = 120
"""Seconds, on a machine that runs the other tests at the same time."""


@dataclass(frozen=True)
class RunningShop:
    """A shop that runs, and what its terminal shows."""

    base: str
    home: Path
    process: subprocess.Popen[str]
    said: str
    pages: str
    """The origin of pages of the owner's own, which the shop was told of. Nobody serves them yet."""

    def manage(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command as `make manage` runs it."""
        command = [sys.executable, "manage.py", *words]
        env = environ() | {"FOOTFALL_HOME": str(self.home)} | environment
        return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)

    def address(self, what: str) -> str:
        """An address that the shop said when it had started."""
        found = re.search(rf"^ +{what} +(\S+)", self.said, re.MULTILINE)
        assert found is not None
        return found.group(1)

    def kill(self, *words: str) -> None:
        """`kill -9` of the shop's processes whose command line holds these words."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        found = [child for child in children if all(word in command_of(child) for word in words)]
        assert found, f"no process of the shop matches {words}"
        for child in found:
            with suppress(psutil.NoSuchProcess):  # it went with its parent
                child.kill()


def command_of(process: psutil.Process) -> str:
    """Its command line; "" if it ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environ() -> dict[str, str]:
    """This process's environment without the servers of the tests."""
    return {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL")}


def start_shop(home: Path) -> RunningShop:
    """Starts a shop and waits until it says that it runs."""
    port, pages = free_port(), f"http://localhost:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "config.run"],
        cwd=PROJECT,
        env=environ()
        | {"FOOTFALL_HOME": str(home), "PORT": str(port), "STOREFRONT_ORIGINS": pages, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    lines: Queue[str | None] = Queue()
    threading.Thread(target=listen, args=(process, lines), daemon=True).start()
    while "Ctrl-C stops everything" not in "".join(said):
        line = next_line(lines)
        if line is None:
            process.terminate()
            pytest.fail("the shop did not start:\n" + "".join(said))
        said.append(line)
    return RunningShop(f"http://localhost:{port}", home, process, "".join(said), pages)


def listen(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    """Takes in what the shop says, so that its pipe never fills; None when it has ended."""
    for line in process.stdout or []:
        lines.put(line)
    lines.put(None)


def next_line(lines: Queue[str | None]) -> str | None:
    """What the shop says next; None if it has ended or says nothing for too long."""
    try:
        return lines.get(timeout=STARTS_WITHIN)
    except Empty:
        return None


@pytest.fixture(scope="module")
def whole_shop() -> Iterator[RunningShop]:
    """The shop, stopped again at the end."""
    running = start_shop(Path(os.environ["FOOTFALL_HOME"]) / "shop")
    yield running
    running.process.terminate()
    running.process.wait(60)
    if running.process.stdout:
        running.process.stdout.close()


@contextmanager
def tab(browser: Browser, base: str, **more: Any) -> Iterator[Page]:
    """A tab of a browser that was never here, and what else a context takes. Any script error fails the test."""
    context = browser.new_context(base_url=base, locale="en-GB", user_agent=CHROME, **more)
    context.set_default_timeout(15_000)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []

"""Web and worker of the shop with bugs in it (`faulty.py`), as the Procfile starts them, and what they tell."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from celery import Celery
from django.conf import settings

from config import embedded
from config.embedded import PROJECT
from config.run import procfile
from tests.e2e.conftest import free_port
from tests.promises.processes import Running, environment, until

MARKS = ("marked-somebody@people.example", "Markedia Markovna", "marked-password-8472", "Marked-browser/8472")
EMAIL, NAME, PASSWORD, AGENT = MARKS
FAULTS = ["/api/v1/faulty", "/faulty/page", "/faulty/in-hands", "/faulty/mistyped"]
ASKED = f"/admin/customers/customer/?q={quote(EMAIL)}"


@contextmanager
def web(log: Path, *words: str, **more: str) -> Iterator[int]:
    """The Procfile's web process with the bugs; its port. `more` is for its environment."""
    port = free_port()
    line = (
        procfile()["web"].replace("config.wsgi", "tests.security.faulty").replace("0.0.0.0:$PORT", f"127.0.0.1:{port}")
    )
    command = [sys.executable, "-m", *shlex.split(line), "--workers", "1", *words]
    with open(log, "wb") as output:
        env = environment() | more
        process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(lambda: answers(port), "gunicorn listens")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(port: int, path: str, **headers: str) -> int:
    """Of the answer at that path, to a page that names somebody in its address, in a browser like no other."""
    sent = {"Referer": f"http://127.0.0.1:{port}{ASKED}", "User-Agent": AGENT, **headers}
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:
        http.request("GET", path, headers=sent)
        return http.getresponse().status


def told(text: str) -> list[str]:
    """The marks that stand there."""
    return [mark for mark in (*MARKS, quote(EMAIL), settings.SECRET_KEY) if mark in text]


def size_of_log() -> int:
    """Of PostgreSQL's, until now."""
    return (embedded.home() / "log" / "postgres.log").stat().st_size


def of_postgresql(since: int) -> str:
    """What PostgreSQL wrote down since then. It quotes a text that is no number; ours are checked before."""
    said = (embedded.home() / "log" / "postgres.log").read_bytes()[since:].decode(errors="replace")
    return "".join(line for line in said.splitlines(keepends=True) if "invalid input syntax" not in line)


@contextmanager
def closing_worker(folder: Path, **more: str) -> Iterator[tuple[Running, Callable[..., object]]]:
    """A worker with the bugs, and what sends it work. `more` is for its environment."""
    worker = Running("background", folder=folder, app="tests.security.faulty", more=more)
    queue = Celery(broker=environment()["CELERY_BROKER_URL"])
    try:
        worker.wait_for("ready")
        yield worker, lambda *args, **kwargs: queue.send_task("faulty.send", args, kwargs, queue="default")
    finally:
        queue.close()
        worker.kill()

"""What gunicorn, celery and PostgreSQL write down when something fails with somebody's data in its hands."""

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

import pytest
from celery import Celery
from django.conf import settings
from django.db import IntegrityError, connection

from config import embedded
from config.embedded import PROJECT
from config.run import procfile
from tests.e2e.conftest import free_port
from tests.factories import UserFactory
from tests.promises.processes import Running, environment, until

pytestmark = pytest.mark.django_db(transaction=True)
MARKS = ("marked-somebody@people.example", "Markedia Markovna", "marked-password-8472")
EMAIL, NAME, PASSWORD = MARKS
FAULTS = ["/api/v1/faulty", "/faulty/page", "/faulty/in-hands", "/faulty/mistyped"]
ASKED = f"/admin/customers/customer/?q={quote(EMAIL)}"


@contextmanager
def web(log: Path, *words: str) -> Iterator[int]:
    """The Procfile's web process with the bugs; its port."""
    port = free_port()
    line = (
        procfile()["web"].replace("config.wsgi", "tests.security.faulty").replace("0.0.0.0:$PORT", f"127.0.0.1:{port}")
    )
    command = [sys.executable, "-m", *shlex.split(line), "--workers", "1", *words]
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=output, stderr=subprocess.STDOUT)
    try:
        until(lambda: answers(port), "gunicorn listens")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(port: int, path: str) -> int:
    """Of the answer at that path, to a page that names somebody in its address."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:
        http.request("GET", path, headers={"Referer": f"http://127.0.0.1:{port}{ASKED}"})
        return http.getresponse().status


def told(text: str) -> list[str]:
    """The marks that stand there."""
    return [mark for mark in (*MARKS, quote(EMAIL), settings.SECRET_KEY) if mark in text]


def of_postgresql(since: int) -> str:
    """What PostgreSQL wrote down since then. It quotes a text that is no number; ours are checked before."""
    said = (embedded.home() / "log" / "postgres.log").read_bytes()[since:].decode(errors="replace")
    return "".join(line for line in said.splitlines(keepends=True) if "invalid input syntax" not in line)


@pytest.fixture
def since() -> int:
    return (embedded.home() / "log" / "postgres.log").stat().st_size


def test_the_web_process_tells_of_faults_and_not_of_people(tmp_path: Path, since: int) -> None:
    log = tmp_path / "web.log"
    with web(log) as port:
        assert [status(port, path) for path in FAULTS] == [500] * len(FAULTS)
        status(port, ASKED)
        status(port, "/api/v1/checkout/reminders/unsubscribe/a-token-of-somebody")
    said = log.read_text()
    assert said.count("duplicate key value violates unique constraint") >= 2
    assert "RuntimeError: EmailMessage" in said
    assert "invalid input syntax for type integer" in said
    assert '"GET /admin/customers/customer/ HTTP/1.1" 302' in said
    assert "127.0.0.0/24" in said
    assert "a-token-of-somebody" not in [line for line in said.splitlines() if '"GET' in line][-1]
    assert told(said) == []
    assert "duplicate key value" in of_postgresql(since)
    assert told(of_postgresql(since)) == []


def test_control_postgresql_says_the_row_unless_told_not_to(since: int) -> None:
    UserFactory.create(email=EMAIL)
    with connection.cursor() as cursor:
        cursor.execute("SET log_error_verbosity = 'default'")
        with pytest.raises(IntegrityError):
            UserFactory.create(email=EMAIL)
        cursor.execute("RESET log_error_verbosity")
    until(lambda: told(of_postgresql(since)), "PostgreSQL has written it down")
    assert told(of_postgresql(since)) == [EMAIL]


def test_control_gunicorns_own_lines_are_noticed(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with web(log, "--logger-class", "gunicorn.glogging.Logger") as port:
        status(port, ASKED)
    assert told(log.read_text()) == [quote(EMAIL)]


def test_a_worker_tells_of_a_task_that_failed_and_not_what_it_was_given(tmp_path: Path, since: int) -> None:
    with closing_worker(tmp_path) as (worker, send):
        send(EMAIL, name=NAME)
        send(PASSWORD, write=True)
        worker.wait_for("RuntimeError")
        worker.wait_for("duplicate key value")
    assert told(worker.log.read_text()) == []
    assert told(of_postgresql(since)) == []


@contextmanager
def closing_worker(folder: Path) -> Iterator[tuple[Running, Callable[..., object]]]:
    """A worker with the bugs, and what sends it work."""
    worker = Running("background", "--pool", "solo", folder=folder, app="tests.security.faulty")
    queue = Celery(broker=environment()["CELERY_BROKER_URL"])
    try:
        worker.wait_for("ready")
        yield worker, lambda *args, **kwargs: queue.send_task("faulty.send", args, kwargs, queue="default")
    finally:
        queue.close()
        worker.kill()

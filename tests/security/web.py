"""The shop's web process as the Procfile starts it, on this test's database and a Redis that may be killed."""

from __future__ import annotations

import http.client
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from config.embedded import PROJECT
from config.run import procfile
from tests import logs
from tests.browsers import CHROME
from tests.e2e.conftest import free_port
from tests.promises.processes import environment, until

HERE = "127.0.0.1"
LONGEST_SECONDS = 100
"""An answer may wait for two hundred others, on a machine that runs other tests."""


class Web:
    """A gunicorn with two workers."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        """The status of an answer."""
        connection = http.client.HTTPConnection(HERE, self.port, timeout=LONGEST_SECONDS)
        sent = {"user-agent": CHROME, "content-type": "application/json"} | headers
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it is there."""
        with suppress(OSError):
            return self.ask("GET", "/livez") == 200
        return False


@contextmanager
def web(folder: Path, more: Mapping[str, str], application: str = "config.wsgi") -> Iterator[Web]:
    """One that runs for the length of a `with` block. Its words are searched for people and secrets in the end."""
    port = free_port()
    line = procfile()["web"].replace("config.wsgi", application).replace("0.0.0.0:$PORT", f"{HERE}:{port}")
    words = folder / f"web-{port}.log"
    with open(words, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line)],
            cwd=PROJECT, env={**environment(), **more}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    found = Web(port)
    try:
        until(found.answers, f"the web process answers; see {folder}")
        yield found
    finally:
        workers = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        logs.search(words)

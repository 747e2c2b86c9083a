"""Commands that end before their end, each a process of its own: forked, so that Django is loaded once for all.

python -m tests.core.ending away|stopped < command lines as JSON > how each ended
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO

import django
from django.conf import settings
from django.core.checks import run_checks

from config.embedded import PROJECT
from core.management import endings

PORT = "{port}"
"""In a command line: where the silent server is."""


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, and what it said."""

    code: int
    out: str
    err: str


def endings_of(how: str, lines: Sequence[Sequence[str]]) -> list[Ending]:
    """How these command lines end: `away`, where PostgreSQL and Redis would be nobody is; `stopped`, there is one who
    never answers, and Ctrl-C comes when he is asked.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.core.ending", how],
        cwd=PROJECT, input=json.dumps(lines), capture_output=True, text=True, timeout=900, check=True,
    )  # fmt: skip
    return [Ending(**found) for found in json.loads(done.stdout)]


def main(how: str) -> None:
    """Runs them one after the other."""
    place = socket.socket()  # ours until the end, so that nobody else answers there
    place.bind(("127.0.0.1", 0))
    port = place.getsockname()[1]
    os.environ |= {
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{port}/nothing",
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "LOG_STREAM": "stderr",
    }
    django.setup()
    run_checks()  # each would read all that they read
    gc.freeze()  # or each would look through all of that at its end
    if how == "stopped":
        settings.REDIS_TIMEOUT_SECONDS = 30  # or a slow machine finds it away before Ctrl-C comes
        place.listen()
    lines = [[word.replace(PORT, str(port)) for word in line] for line in json.load(sys.stdin)]
    ended = [ending_of(words, place if how == "stopped" else None) for words in lines]
    print(json.dumps([asdict(ending) for ending in ended]))  # noqa: T201 - that is what it is for


def ending_of(words: Sequence[str], silent: socket.socket | None) -> Ending:
    """How one ends; by Ctrl-C when it asks the silent one."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if silent is not None:
            forget_others(silent)
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            endings.run(["manage.py", *words])
            sys.exit()
        if silent is not None:
            silent.settimeout(60)
            with silent.accept()[0]:
                os.kill(child, signal.SIGINT)
                status = os.waitpid(child, 0)[1]
        else:
            status = os.waitpid(child, 0)[1]
        return Ending(os.waitstatus_to_exitcode(status), said(out), said(err))


def forget_others(silent: socket.socket) -> None:
    """Those of the command before who still wait to be let in."""
    silent.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            silent.accept()[0].close()


def said(file: IO[bytes]) -> str:
    """What was written there."""
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(sys.argv[1])

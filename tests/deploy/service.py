"""What systemd does for a process: it has a socket that outlives it, and says when it is ready."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from config.embedded import PROJECT
from config.process import command
from tests import logs
from tests.promises.processes import environment

PATIENCE = 60
"""Seconds, on a machine that runs the other tests at the same time."""
WITH_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""
"""As `sd_listen_fds` has it: the socket is number 3."""


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket for web processes, as `deploy/systemd/footfall-web.socket` has it."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as opened:
        yield opened


@dataclass
class Service:
    """The Procfile's web process on this socket."""

    name: str
    listens: socket.socket
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it is ready, as `systemctl start` does."""
        told = self.folder / f"{self.name}.notify"
        told.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear,
            open(self.folder / f"{self.name}.log", "ab") as log,
        ):
            ear.bind(str(told))
            ear.settimeout(PATIENCE)
            number = str(self.listens.fileno())
            self.running = subprocess.Popen(
                [sys.executable, "-c", WITH_SOCKET, number, *command("web", {}), *self.words],
                cwd=PROJECT,
                env={**environment(), **self.more, "NOTIFY_SOCKET": str(told)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[self.listens.fileno()],
                start_new_session=True,
            )
            while b"READY=1" not in ear.recv(4096):
                pass

    @property
    def said(self) -> Path:
        """The file of its words."""
        return self.folder / f"{self.name}.log"

    @property
    def process(self) -> psutil.Process:
        assert self.running is not None
        return psutil.Process(self.running.pid)

    def workers(self) -> set[int]:
        """The processes that answer."""
        return {child.pid for child in self.process.children()}

    def ended(self) -> bool:
        """Whether it does not run."""
        return self.running is None or self.running.poll() is not None

    def terminate(self) -> None:
        """Tells it to end."""
        assert self.running is not None
        self.running.terminate()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self.running is not None
        return self.running.wait(PATIENCE)

    def stop(self) -> int:
        """As `systemctl stop` does; its exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """`kill -9` of all its processes. What they said is searched for people and secrets."""
        if not self.ended():
            self.kill_all()
        if self.running is not None:
            logs.search(self.said)

    def kill_all(self) -> None:
        assert self.running is not None
        family = [self.process, *self.process.children()]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.running.wait(PATIENCE)
        psutil.wait_procs(family, PATIENCE)

"""Processes that are killed again and again: each is forked from one that has everything loaded."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil

from config.embedded import PROJECT
from tests.promises.processes import environment, until


class Forks:
    """One process at a time of a module of ours, which forks one for each line that it reads and says which."""

    def __init__(self, module: str, *words: str) -> None:
        self.source = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=PROJECT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.process: psutil.Process | None = None

    def begin(self) -> None:
        """Somebody is at work from now on."""
        assert self.source.stdin
        assert self.source.stdout
        self.source.stdin.write("go\n")
        self.source.stdin.flush()
        self.process = psutil.Process(int(self.source.stdout.readline()))

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            until(lambda: not self.alive(), "it is dead")
        self.process = None

    def alive(self) -> bool:
        """Whether it is at work still."""
        return self.process is not None and self.process.is_running()

    def close(self) -> None:
        """Nobody is at work any more."""
        self.kill()
        self.source.communicate()

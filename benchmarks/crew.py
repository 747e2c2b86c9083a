"""Processes that work side by side, as the workers of a web server do: threads of one process would share one core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import django
import psutil
from django.utils.module_loading import import_string

from benchmarks.costs import family_seconds
from benchmarks.measurement import NotDoneError

# A forked child would share its parent's connections.
PROCESSES = multiprocessing.get_context("spawn")
ENDING_SECONDS = 15


@dataclass(frozen=True)
class Member:
    """A process, and the line to it."""

    process: psutil.Process
    line: Connection


@dataclass(frozen=True)
class Crew:
    """The processes."""

    members: Sequence[Member]

    def cpu_seconds(self) -> float:
        """Processor time that they have used so far."""
        return sum(family_seconds(member.process) for member in self.members)

    def each(self, path: str, shares: Sequence[Sequence[Any]]) -> list[Any]:
        """Has every process call the function at this path with its share of the arguments, all at once; returns what
        the calls returned.

        Raises:
            NotDoneError: a call failed. What happened is on standard error.
        """
        for member, share in zip(self.members, shares, strict=True):
            member.line.send((f"benchmarks.{path}", share))
        try:
            return [member.line.recv() for member in self.members]
        except (EOFError, ConnectionResetError):
            raise NotDoneError(f"a process failed in {path}; what happened is said above") from None


@contextmanager
def crew(size: int, environment: Mapping[str, str]) -> Iterator[Crew]:
    """So many processes for the length of a `with` block, Django set up in them as here but for these variables."""
    with ExitStack() as stack:
        yield Crew([stack.enter_context(one(environment)) for _ in range(size)])


@contextmanager
def one(environment: Mapping[str, str]) -> Iterator[Member]:
    """One of them."""
    line, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=work, args=(theirs, environment), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the line
    try:
        yield Member(psutil.Process(process.pid), line)
    finally:
        line.close()
        process.join(ENDING_SECONDS)
        process.kill()


def work(line: Connection, environment: Mapping[str, str]) -> None:
    """A process's whole life: it ends with its line, or with an error."""
    os.environ |= environment
    django.setup()
    while True:
        try:
            path, share = line.recv()
        except (EOFError, ConnectionResetError):
            return
        line.send(import_string(path)(*share))

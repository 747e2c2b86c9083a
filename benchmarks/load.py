"""Load on a web process: `wrk` where it is installed, else an asyncio client. Both say what they cost themselves."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import keep_asking
from benchmarks.measurement import NotDoneError, Sample
from benchmarks.web import Web
from config.embedded import home

CONNECTIONS = 16
"""As many as the web process has threads."""
SECONDS = 2.0
ROUNDS = 15
"""Many short rounds: on a shared machine the weather changes within seconds."""
SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True)
class Load:
    """What came of it: answers, all of them good, and the client's own processor time."""

    answers: int
    seconds: float
    client_seconds: float


def raw_request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire, made once and sent many times, so that making it costs nothing."""
    sent = {"Host": "127.0.0.1", **headers} | ({"Content-Length": str(len(body))} if body else {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def load_round(web: Web, requests: Sequence[bytes], *, seconds: float = SECONDS) -> tuple[Load, Sample]:
    """One round: the requests in turn, over and over. The sample is answers/s, with the processor time of an answer.

    Raises:
        NotDoneError: an error, or an answer that is not 2xx.
    """
    before = web.cpu_seconds()
    load = drive(web.port, requests, seconds=seconds)
    spent = web.cpu_seconds() - before
    notes = {
        "server CPU ms a request": 1000 * spent / load.answers,
        "client CPU ms a request": 1000 * load.client_seconds / load.answers,
    }
    return load, Sample(load.answers / load.seconds, notes)


def drive(port: int, requests: Sequence[bytes], *, seconds: float) -> Load:
    """Sends the requests with the best client there is.

    Raises:
        NotDoneError: an error, or an answer that is not 2xx.
    """
    wrk = shutil.which("wrk")
    return drive_wrk(wrk, port, requests, seconds=seconds) if wrk else drive_asyncio(port, requests, seconds=seconds)


def drive_wrk(wrk: str, port: int, requests: Sequence[bytes], *, seconds: float) -> Load:
    """`wrk` with one thread. Lua takes JSON's ASCII strings for its own."""
    words = home() / "bench-requests.lua"
    words.write_text(f"return {{{', '.join(json.dumps(request.decode('ascii')) for request in requests)}}}\n")
    options = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{round(seconds)}s"]
    before = children_seconds()
    command = [wrk, *options, "--script", str(SCRIPT), f"http://127.0.0.1:{port}/", "--", str(words)]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise NotDoneError(f"wrk says: {done.stdout}{done.stderr}") from None
    if told["errors"] or not told["answers"]:
        raise NotDoneError(f"{told['errors']} errors in {told['answers']} answers")
    return Load(told["answers"], told["seconds"], children_seconds() - before)


def children_seconds() -> float:
    """Processor time of the programs that we started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def drive_asyncio(port: int, requests: Sequence[bytes], *, seconds: float) -> Load:
    """The same from this process; it takes a good part of a core, which its cost tells."""
    begun, spent = time.perf_counter(), time.process_time()
    answers = asyncio.run(keep_asking(port, itertools.cycle(requests), connections=CONNECTIONS, until=begun + seconds))
    return Load(answers, time.perf_counter() - begun, time.process_time() - spent)

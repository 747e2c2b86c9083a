"""A stand-in for the billing service: opens pay sessions by its HTTP contract, at once, and does nothing else."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any
from uuid import uuid4

import psutil
from django.test import override_settings

PROCESSES = multiprocessing.get_context("spawn")
PATH = "/billing/api/v1/paysession"


class Handler(BaseHTTPRequestHandler):
    """`POST /billing/api/v1/paysession`. Everything else is 404."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: a second would wait for the first's acknowledgement
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Opens a pay session for whoever shows a key."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != PATH or not self.headers["x-api-key"] or not self.headers["Idempotency-Key"]:
            return self.answer(404, {})
        checkout_id = uuid4().hex
        opened = {"checkoutId": checkout_id, "orderId": sent["reference"], "status": "open"}
        return self.answer(201, opened | {"payUrl": f"http://127.0.0.1/pay/{checkout_id}"})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        """Sends JSON."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """Has room for whoever comes at the same moment."""

    request_queue_size = 128

    @property
    def url(self) -> str:
        """What to set as BILLING_URL."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def stand_in() -> Iterator[None]:
    """The stand-in on a free port; the shop pays there for the length of a `with` block."""
    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with override_settings(BILLING_URL=server.url):
            yield
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class StandIn:
    """A stand-in that is a process of its own: its address, and the process, whose cost is not the shop's."""

    url: str
    process: psutil.Process


@contextmanager
def stand_in_process() -> Iterator[StandIn]:
    """The same for shops in other processes, for the length of a `with` block."""
    line, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield StandIn(line.recv(), psutil.Process(process.pid))
    finally:
        process.kill()
        process.join()


@contextmanager
def stand_in_beside() -> Iterator[None]:
    """A stand-in that is a process of its own, where this process pays: its work is not in the shop's time."""
    with stand_in_process() as billing, override_settings(BILLING_URL=billing.url):
        yield


def serve(line: Connection) -> None:
    """Says where it listens, and answers until it is killed."""
    with Server(("127.0.0.1", 0), Handler) as server:
        line.send(server.url)
        server.serve_forever()

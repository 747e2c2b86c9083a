"""What speaks as a Sentry: takes envelopes over HTTP on this machine and keeps the events that are in them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]


@dataclass
class Sentry:
    """What came: whole envelopes as text, and their events."""

    dsn: str = ""
    envelopes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def take(self, envelope: str) -> None:
        """An envelope has a line for itself, and then for each item one that says what it is, and one with it."""
        _head, *lines = envelope.splitlines()
        self.envelopes.append(envelope)
        for kind, item in zip(lines[::2], lines[1::2], strict=True):
            if json.loads(kind)["type"] == "event":
                self.events.append(json.loads(item))


@contextmanager
def sentry_server() -> Iterator[Sentry]:
    """One that listens for the length of a `with` block."""
    sentry = Sentry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            sentry.take((gzip.decompress(body) if packed else body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sentry.dsn = f"http://a-key@127.0.0.1:{server.server_port}/1"
    try:
        yield sentry
    finally:
        server.shutdown()
        server.server_close()

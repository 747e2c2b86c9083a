"""A stand-in for the billing service: opens pay sessions by its HTTP contract, at once, and does nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

from django.test import override_settings

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


@contextmanager
def stand_in() -> Iterator[None]:
    """The stand-in on a free port; the shop pays there for the length of a `with` block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with override_settings(BILLING_URL=f"http://127.0.0.1:{server.server_port}"):
            yield
    finally:
        server.shutdown()
        server.server_close()

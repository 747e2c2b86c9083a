"""Serves the demo shop's pages as Django makes them, its static files, and the stub API."""

import json
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.test import Client

from tests import contract
from tests.storefront.stub_account import Json
from tests.storefront.stub_api import StubShop, answer

PAY_PAGE = "<!doctype html><title>Pay page</title><h1>Pay page</h1>"
TRACKER = "window.tracked = []; window.footfall = {track: (type, about) => window.tracked.push([type, about])};"


@cache
def static_file(name: str) -> bytes | None:
    """What is in it; None if there is no such file. It stays the same while tests run."""
    found = finders.find(name)
    return Path(str(found)).read_bytes() if found else None


class StubHandler(BaseHTTPRequestHandler):
    """API, tracker and pay page from here; pages and static files from the storefront itself."""

    protocol_version = "HTTP/1.1"
    shop: ClassVar[StubShop]

    def respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        path = urlsplit(self.path).path
        if path.startswith("/api/v1/"):
            self.respond_as_api(json.loads(sent) if sent else {})
        elif path == "/tracker.js":
            self.write(200, "text/javascript", TRACKER.encode())
        elif path == "/pay":
            self.write(200, "text/html", PAY_PAGE.encode())
        elif path.startswith("/static/"):
            self.respond_with_file(path.removeprefix("/static/"))
        else:
            page = Client().get(self.path)
            policy = {"Content-Security-Policy": page.headers.get("Content-Security-Policy", "")}
            self.write(page.status_code, "text/html", page.content, policy)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond

    def respond_as_api(self, body: Json) -> None:
        if key := self.headers.get("Idempotency-Key"):
            self.shop.keys.append(key)
        path, csrf = self.path.removeprefix("/api/v1"), self.headers.get("X-CSRFToken", "")
        status, envelope, headers = answer(self.shop, self.command, path, body, csrf=csrf)
        self.shop.differences += contract.differences(self.command, urlsplit(path).path, status, envelope)
        self.write(status, "application/json", json.dumps(envelope).encode(), headers)

    def respond_with_file(self, name: str) -> None:
        body = static_file(name)
        if body is None:
            return self.write(404, "text/plain", b"no such file")
        kind = guess_type(name)[0] or "application/octet-stream"
        return self.write(200, kind, body, {"Cache-Control": "max-age=3600"})

    def write(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what went wrong."""


class StubServer(ThreadingHTTPServer):
    """Its threads end with the test, and a browser that hangs up in mid-answer is no news."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(shop: StubShop) -> StubServer:
    """A server on a free port. Call `serve_forever` in a thread, then `shutdown` and `server_close`."""
    handler = type("Handler", (StubHandler,), {"shop": shop})
    server = StubServer(("127.0.0.1", 0), handler)
    shop.base = f"http://127.0.0.1:{server.server_address[1]}"
    return server

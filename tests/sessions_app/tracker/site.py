"""A shop of its own for the tracker: pages made up by the test, the real script, and a record of what arrives."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any
from urllib.parse import urlsplit

from django.test import RequestFactory

from sessions_app.track import tracker_js

TAG = '<script defer src="/tracker.js"></script>'
TRACK = "/api/v1/analytics/track"
CONSENT = "/api/v1/storefront/session/consent"
SECONDS_TO_ARRIVE = 15

Json = dict[str, Any]


@dataclass(frozen=True)
class Received:
    """One request at the API."""

    method: str
    path: str
    headers: dict[str, str]
    size: int
    body: Json


@dataclass
class Site:
    """What the test says about pages and answers, and what browsers sent."""

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers, 202 after them; 0 hangs up."""
    takes: float = 0
    """Seconds until an answer."""
    received: list[Received] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    def address(self, host: str = "127.0.0.1") -> str:
        """Its origin; `shop.test` leads here, too, and is neither secure nor of the same site."""
        return f"http://{host}:{self.port}"

    def note(self, request: Received) -> int:
        """Remembers a request and says which status answers it."""
        with self.changed:
            self.received.append(request)
            self.changed.notify_all()
            return self.answers.pop(0) if self.answers else 202

    def tracked(self) -> list[Received]:
        """The requests with events, as they came."""
        return [request for request in self.received if request.path == TRACK]

    def sent(self, event_type: str = "") -> list[Json]:
        """The events, as they came, with those that came twice."""
        events = [event for request in self.tracked() for event in request.body["events"]]
        return [event for event in events if event_type in ("", event["eventType"])]

    def pages_viewed(self) -> list[str]:
        """The pages of the page views, as they came."""
        return [event["page"] for event in self.sent("page_view")]

    def seconds_seen(self) -> list[tuple[str, int]]:
        """Page and seconds of each engagement event."""
        return [(event["page"], event["metadata"]["seconds"]) for event in self.sent("engagement")]

    def wait_for(self, number: int, event_type: str = "") -> list[Json]:
        """The events, when there are as many."""
        self.wait_until(lambda: len(self.sent(event_type)) >= number)
        return self.sent(event_type)

    def wait_until(self, arrived: Callable[[], bool]) -> None:
        """Waits for what browsers send."""
        deadline = time.monotonic() + SECONDS_TO_ARRIVE
        with self.changed:
            while not arrived():
                left = deadline - time.monotonic()
                assert left > 0, f"did not arrive; these did: {self.sent()}"
                self.changed.wait(left)


class Handler(BaseHTTPRequestHandler):
    """Pages, script and API of a `Site`."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *given: Any, site: Site) -> None:
        self.site = site
        super().__init__(*given)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/tracker.js":
            script = tracker_js(RequestFactory().get("/tracker.js"))
            self.write(200, "text/javascript", script.content)
        else:
            page = self.site.pages.get(path, f"<!doctype html><title>Shop</title>{TAG}<h1>Shop</h1>")
            self.write(200, "text/html", page.encode(), {"Content-Security-Policy": self.site.policies.get(path, "")})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        request = Received(self.command, self.path, dict(self.headers), len(sent), json.loads(sent))
        status = self.site.note(request)
        time.sleep(self.site.takes)
        if status:
            self.write(status, "application/json", b"{}")
        else:
            self.close_connection = True

    do_PUT = do_POST

    def do_OPTIONS(self) -> None:
        self.write(200, "text/plain", b"", {"Access-Control-Allow-Methods": "PUT"})

    def write(self, status: int, kind: str, body: bytes, headers: Json | None = None) -> None:
        asked = self.headers.get("Access-Control-Request-Headers", "")
        origin = self.headers.get("Origin", "")
        cross_origin = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true" if origin else "",
            "Access-Control-Allow-Headers": asked,
        }
        own = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in (own | cross_origin | (headers or {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what went wrong."""


class Server(ThreadingHTTPServer):
    """Its threads end with the test, and a browser that hangs up in mid-answer is no news."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port."""
    site = Site()
    server = Server(("127.0.0.1", 0), partial(Handler, site=site))
    site.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A webhook subscriber for tests: real HTTP on this machine, what it was told, and knobs by path."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from core.clock import now
from orders.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from orders.outbox import new_secret


@dataclass(frozen=True)
class Call:
    """What it was told."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The event's id: what subscribers know an event by."""
        return self.headers["webhook-id"]

    @property
    def data(self) -> Any:
        """What it says."""
        return json.loads(self.body)

    def verify(self, secret: str) -> Any:
        """The body, if this secret signed it.

        Raises:
            WebhookVerificationError
        """
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Answer:
    """What is answered at a path."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    hangs_up: bool = False


@dataclass
class Subscriber:
    """The server, and what it heard."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)

    def at(self, path: str, **how: Any) -> str:
        """Answers so at a path; its address."""
        self.answers[path] = Answer(**how)
        return self.url + path

    def ids(self, path: str = "/hook") -> Counter[str]:
        """How often it heard of each event there."""
        return Counter(call.id for call in self.calls if call.path == path)

    def hear(self, call: Call) -> Answer:
        """Takes a call."""
        answer = self.answers.get(call.path, Answer())
        with self.lock:
            self.calls.append(call)
            self.at_once[call.path] += 1
            self.most_at_once[call.path] = max(self.most_at_once[call.path], self.at_once[call.path])
        time.sleep(answer.delay)
        with self.lock:
            self.at_once[call.path] -= 1
        return answer


class Handler(BaseHTTPRequestHandler):
    """HTTP in, HTTP out."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    subscriber: Subscriber

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever said it died in mid-sentence
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.subscriber.hear(Call(self.path, headers, body))
        if answer.hangs_up:
            self.close_connection = True
            return
        try:
            self.send_response(answer.status)
            for name, value in ({"content-length": str(len(answer.body))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # nobody waited for it

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Room for many callers at once."""

    request_queue_size = 200

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news."""


@contextmanager
def listening() -> Iterator[Subscriber]:
    """A subscriber on a free port for the length of a `with` block."""
    subscriber = Subscriber()
    handler = type("BoundHandler", (Handler,), {"subscriber": subscriber})
    with Server(("127.0.0.1", 0), handler) as server:
        subscriber.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield subscriber
        finally:
            server.shutdown()


def endpoint_at(url: str, *topics: str, **fields: Any) -> WebhookEndpoint:
    """A subscriber's row, of paid orders unless others are named."""
    return WebhookEndpoint.objects.create(
        **{"url": url, "topics": list(topics or ["order.paid"]), "secret": new_secret()} | fields
    )


def events(number: int = 1, topic: str = "order.paid", **fields: Any) -> list[OutboxEvent]:
    """Events that nobody has heard of."""
    return OutboxEvent.objects.bulk_create(
        OutboxEvent(topic=topic, payload={"number": f"ORD-{place}"}, created_at=now(), **fields)
        for place in range(number)
    )


def delivery_to(endpoint: WebhookEndpoint, **fields: Any) -> WebhookDelivery:
    """A delivery of an event of its own, due now."""
    (event,) = events(published_at=now(), streamed_at=now())
    values = {"event": event, "endpoint": endpoint, "queued_at": now(), "next_try_at": now()} | fields
    return WebhookDelivery.objects.create(**values)

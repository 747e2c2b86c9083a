"""A billing service for tests: real HTTP on this machine, the contract of the shop's billing service, and knobs.

State is in memory. `service.knob("get", status=500)` makes one kind of call misbehave, `service.well()` ends it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import LazySettings

from orders.providers import calls

ROOT = "/billing/api/v1/paysession"
CROWD_SECONDS = 8
"""Less than the shop waits for an answer."""
Answer = tuple[int, Any]


@dataclass
class PaySession:
    """What was opened, and what became of it."""

    checkout_id: str
    order_id: str
    reference: str
    amount: str
    currency: str
    status: str = "open"
    paid_at: str | None = None
    expires_at: str = ""
    refunds: dict[str, str] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """What `GET` answers."""
        paid = {"paidAt": self.paid_at} if self.paid_at else {}
        return {
            "checkoutId": self.checkout_id,
            "orderId": self.order_id,
            "status": self.status,
            "amount": self.amount,
            "currency": self.currency,
        } | paid


@dataclass
class Knob:
    """How a kind of call misbehaves: no answer at all, late, another status, another body."""

    down: bool = False
    delay: float = 0
    drip: float = 0
    status: int = 0
    body: Any = None
    acts: bool = False
    """True: the call is done and only its answer is spoilt."""
    crowd: int = 0
    """Answers once so many ask at the same time, or when they will have lost their patience."""


@dataclass
class BillingService:
    """The service: its pay sessions, what was called how often, its knobs."""

    url: str = ""
    api_key: str = "sandbox-key"
    sessions: dict[str, PaySession] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same by kind and pay session."""
    knobs: dict[str, Knob] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    most_at_once: int = 0

    def knob(self, *kinds: str, **values: Any) -> None:
        """Makes calls of these kinds (open, get, cancel, refund; all if none is named) misbehave."""
        for kind in kinds or ("open", "get", "cancel", "refund"):
            self.knobs[kind] = Knob(**values)

    def well(self) -> None:
        """Everything works again."""
        self.knobs.clear()

    def settle(self, checkout_id: str, status: str, *, amount: str | None = None, currency: str | None = None) -> None:
        """The shopper paid, declined or left; `amount` and `currency` lie about it."""
        session = self.sessions[checkout_id]
        session.status = status
        session.amount, session.currency = amount or session.amount, currency or session.currency
        session.paid_at = datetime.now(UTC).isoformat() if status == "success" else None

    def wait_for(self, crowd: int) -> None:
        """Returns once so many have asked at the same time, or some seconds later."""
        deadline = time.monotonic() + CROWD_SECONDS
        while self.most_at_once < crowd and time.monotonic() < deadline:
            time.sleep(0.01)

    def only(self) -> PaySession:
        """The one pay session that was opened."""
        (session,) = self.sessions.values()
        return session

    def handle(self, kind: str, checkout_id: str, body: dict[str, Any], key: str) -> Answer:
        """One call of the contract."""
        with self.lock:
            if kind == "open":
                return self.open(body, key)
            session = self.sessions.get(checkout_id)
            if session is None:
                return 404, {"error": "unknown"}
            return {"get": self.get, "cancel": self.cancel, "refund": self.refund}[kind](session, body, key)

    def open(self, body: dict[str, Any], key: str) -> Answer:
        known = self.by_key.get(key)
        if known is None:
            known = f"pay_{len(self.sessions) + 1}_{key[-12:]}"
            order_id = f"bill_{len(self.sessions) + 1}"
            self.sessions[known] = PaySession(known, order_id, body["reference"], body["amount"], body["currency"])
            self.sessions[known].expires_at = body["expiresAt"]
            self.by_key[key] = known
        session = self.sessions[known]
        opened = {"checkoutId": known, "orderId": session.order_id, "status": "open", "payUrl": f"{self.url}/p/{known}"}
        return 201, opened

    def get(self, session: PaySession, _body: dict[str, Any], _key: str) -> Answer:
        return 200, session.report()

    def cancel(self, session: PaySession, _body: dict[str, Any], _key: str) -> Answer:
        if session.status == "success":
            return 409, {"error": "already paid"}
        session.status = "timeout"
        return 200, session.report()

    def refund(self, session: PaySession, body: dict[str, Any], key: str) -> Answer:
        session.refunds.setdefault(key, body["amount"])
        return 200, session.report()


class Handler(BaseHTTPRequestHandler):
    """HTTP in, HTTP out."""

    protocol_version = "HTTP/1.1"
    service: BillingService

    def do_GET(self) -> None:
        self.serve("get", self.path.removeprefix(ROOT + "/"))

    def do_POST(self) -> None:
        checkout_id, _slash, action = self.path.removeprefix(ROOT).strip("/").partition("/")
        self.serve(action or "open", checkout_id)

    def serve(self, kind: str, checkout_id: str) -> None:
        """Answers, or misbehaves as the knob of this kind of call says."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        service, knob = self.service, self.service.knobs.get(kind, Knob())
        with service.lock:
            service.calls[kind] += 1
            service.asked[kind, checkout_id] += 1
            service.at_once += 1
            service.most_at_once = max(service.most_at_once, service.at_once)
        time.sleep(knob.delay)
        service.wait_for(knob.crowd)
        with service.lock:
            service.at_once -= 1
        status, answer = 0, None
        if not (knob.down or knob.status or knob.body is not None) or knob.acts:
            status, answer = self.honest(kind, checkout_id, body)
        if knob.down:
            self.close_connection = True
            return
        self.send(knob.status or status or 200, knob.body if knob.body is not None else answer, knob.drip)

    def honest(self, kind: str, checkout_id: str, body: dict[str, Any]) -> Answer:
        if self.headers.get("x-api-key") != self.service.api_key:
            return 401, {"error": "key"}
        return self.service.handle(kind, checkout_id, body, self.headers.get("Idempotency-Key", ""))

    def send(self, status: int, answer: Any, drip: float) -> None:
        """The answer; with `drip` a byte every so many seconds."""
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        try:
            for number in range(len(data)) if drip else ():
                self.wfile.write(data[number : number + 1])
                time.sleep(drip)
            if not drip:
                self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the shop did not wait for it

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Room for a hundred callers at once."""

    request_queue_size = 200

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news."""


@contextmanager
def billing_service(settings: LazySettings) -> Iterator[BillingService]:
    """The shop's settings point to a new billing service for the length of a `with` block."""
    service = BillingService(api_key=settings.BILLING_API_KEY)
    handler = type("BoundHandler", (Handler,), {"service": service})
    with Server(("127.0.0.1", 0), handler) as server:
        service.url = settings.BILLING_URL = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        calls.client.cache_clear()
        calls.client()  # made once: threads that make it together would leave some unclosed
        try:
            yield service
        finally:
            close_client()
            server.shutdown()


def close_client() -> None:
    """Ends the shop's connections to billing."""
    calls.client().close()
    calls.client.cache_clear()

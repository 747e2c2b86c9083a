"""A merchant with a key, and a shop that listens for webhooks."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from billing_sandbox.models import PaySession, Switches
from billing_sandbox.webhooks import THREAD_NAME

API = "/billing/api/v1/paysession"
RETURN_URL = "http://shop.example/orders/1?from=billing"


def order(**changes: Any) -> dict[str, Any]:
    """What a merchant sends to open a session; `name=None` leaves a field out."""
    body = {
        "reference": "ORD-0123456789",
        "amount": "48.90",
        "currency": "GBP",
        "description": "Two mugs",
        "returnUrl": RETURN_URL,
        "expiresAt": (datetime.now(UTC) + timedelta(minutes=15)).isoformat(),
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


class Merchant:
    """Calls the contract as the shop would."""

    def __init__(self, key: str) -> None:
        self.client = Client(headers={"x-api-key": key})

    def open(self, body: Any = None, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(API, order() if body is None else body, "application/json", headers=headers)

    def opened(self, **changes: Any) -> str:
        """The checkoutId of a new session."""
        answer = self.open(order(**changes))
        assert answer.status_code == 201, answer.content
        return str(answer.json()["checkoutId"])

    def read(self, checkout_id: str) -> Any:
        return self.client.get(f"{API}/{checkout_id}")

    def cancel(self, checkout_id: str) -> Any:
        return self.client.post(f"{API}/{checkout_id}/cancel")

    def refund(self, checkout_id: str, amount: str = "10.00", key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"{API}/{checkout_id}/refund", {"amount": amount}, "application/json", headers=headers)


@dataclass
class Shop:
    """Receives webhooks and answers `status`, as soon as the gate is open."""

    url: str
    status: int = 200
    gate: threading.Event = field(default_factory=threading.Event)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def merchant(settings: LazySettings) -> Merchant:
    return Merchant(settings.BILLING_API_KEY)


@pytest.fixture
def payer() -> Client:
    """A browser that enforces nothing less than a real one: CSRF checks are on."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def switch() -> Callable[..., None]:
    """Sets switches."""

    def change(**values: Any) -> None:
        Switches.objects.update_or_create(pk=1, defaults=values)

    return change


@pytest.fixture
def shop(settings: LazySettings) -> Iterator[Shop]:
    """A small web server on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            listening.gate.wait(4)
            listening.received.append((dict(self.headers), body))
            self.send_response(listening.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listening = Shop(f"http://127.0.0.1:{server.server_port}/webhook")
        listening.gate.set()
        settings.BILLING_SANDBOX_WEBHOOK_URL = listening.url
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield listening
        wait_for_webhooks()
        server.shutdown()


def wait_for_webhooks() -> None:
    """Waits until every delivery has ended."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(10)


def expire(checkout_id: str) -> None:
    """Lets a session's time have passed a second ago."""
    PaySession.objects.filter(pk=checkout_id).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

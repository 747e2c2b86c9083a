"""A Stripe for tests: real HTTP on this machine, written from Stripe's documented contract, and knobs.

Forms in, JSON out; errors as `{"error": {"type", "code", "message"}}`; keys of idempotency with what was first
answered; Checkout Sessions of 30 minutes to 24 hours that are open, complete or expired; refunds; signed events.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import LazySettings

from orders.providers import calls
from tests.billing_server import Handler as PlainHandler
from tests.billing_server import Knob, Server, close_client

KEY = "sk_test_footfall"
SESSIONS, REFUNDS = "/v1/checkout/sessions", "/v1/refunds"
THREE_DIGITS = ("bhd", "jod", "kwd", "omr", "tnd")
Form = dict[str, str]
Answer = tuple[int, dict[str, Any]]


def error(status: int, code: str, message: str, kind: str = "invalid_request_error") -> Answer:
    """An error as Stripe says it."""
    return status, {"error": {"type": kind, "code": code, "message": message}}


def part(form: Form, name: str) -> dict[str, str]:
    """The fields `name[...]` of a form."""
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


@dataclass
class Stripe:
    """The service: its sessions and refunds, what was called when, its knobs."""

    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, tuple[Form, Answer]] = field(default_factory=dict)
    """By key of idempotency: what was asked, and first answered."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Kind and session, in their order."""
    forms: list[Form] = field(default_factory=list)
    """Of the openings."""
    watchers: dict[str, Any] = field(default_factory=dict)
    """Called before a call of this kind is answered."""
    knobs: dict[str, Knob] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    at_once: int = 0
    most_at_once: int = 0

    def knob(self, *kinds: str, **values: Any) -> None:
        """Makes calls of these kinds (open, get, expire, refund, refunds; all if none is named) misbehave."""
        for kind in kinds or ("open", "get", "expire", "refund", "refunds"):
            self.knobs[kind] = Knob(**values)

    def well(self) -> None:
        """Everything works again."""
        self.knobs.clear()

    def count(self, kind: str) -> int:
        """How often it was called."""
        return Counter(called for called, _session in self.calls)[kind]

    def only(self) -> dict[str, Any]:
        """The one session that was opened."""
        (session,) = self.sessions.values()
        return session

    def pay(self, session: dict[str, Any], *, later: bool = False, **lies: Any) -> None:
        """The shopper pays: at once, or by something that takes days. `lies` change what is said of it."""
        payment = f"pi_{len(self.payments) + 1}"
        self.payments[payment] = {
            "id": payment,
            "object": "payment_intent",
            "status": "processing" if later else "succeeded",
            "amount": session["amount_total"],
        }
        session |= {"status": "complete", "payment_status": "unpaid" if later else "paid", "url": None} | lies
        session["payment_intent"] = payment

    def ends_later(self, session: dict[str, Any], *, well: bool) -> None:
        """What takes days is over."""
        session["payment_status"] = "paid" if well else "unpaid"
        self.payments[session["payment_intent"]]["status"] = "succeeded" if well else "requires_payment_method"

    def expire(self, session: dict[str, Any]) -> None:
        """The session's own time is over."""
        session |= {"status": "expired", "url": None}

    # The contract ----------------------------------------------------------------------------------------------------

    def handle(self, kind: str, session_id: str, form: Form, key: str) -> Answer:
        """One call, once for a key."""
        with self.lock:
            known = self.answers.get(key) if key else None
            if known and known[0] != form:
                text = "Keys for idempotent requests can only be used with the parameters they were first used with."
                return error(400, "", text, "idempotency_error")
            if known:
                return known[1]
            answer = self.answer(kind, session_id, form)
            if key:
                self.answers[key] = (form, (answer[0], json.loads(json.dumps(answer[1]))))
            return answer

    def answer(self, kind: str, session_id: str, form: Form) -> Answer:
        if kind in ("open", "refund", "refunds"):
            return {"open": self.open, "refund": self.refund, "refunds": self.listed}[kind](form)
        session = self.sessions.get(session_id)
        if session is None:
            return error(404, "resource_missing", f"No such checkout.session: {session_id}")
        if kind == "expire":
            if session["status"] != "open":
                text = f"Only Checkout Sessions that are open can be expired. This one is {session['status']}."
                return error(400, "", text)
            self.expire(session)
        return 200, self.shown(session, form)

    def shown(self, session: dict[str, Any], form: Form) -> dict[str, Any]:
        """A session, with its payment if that was asked for."""
        if "payment_intent" in part(form, "expand").values() and session["payment_intent"]:
            return session | {"payment_intent": self.payments[session["payment_intent"]]}
        return session

    def open(self, form: Form) -> Answer:
        lasts = int(form.get("expires_at", time.time() + 86400)) - time.time()
        if lasts < 30 * 60:
            text = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
            return error(400, "", text)
        if lasts > 24 * 60 * 60:
            return error(400, "", "The `expires_at` timestamp must be less than 24 hours from creation.")
        currency, amount = form["line_items[0][price_data][currency]"], form["line_items[0][price_data][unit_amount]"]
        if not amount.isdecimal() or (currency in THREE_DIGITS and not amount.endswith("0")):
            return error(400, "parameter_invalid_integer", f"Invalid amount: {amount}")
        number = len(self.sessions) + 1
        self.sessions[f"cs_test_{number}"] = session = {
            "id": f"cs_test_{number}",
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "amount_total": int(amount) * int(form["line_items[0][quantity]"]),
            "currency": currency,
            "client_reference_id": form.get("client_reference_id"),
            "expires_at": int(form.get("expires_at", 0)),
            "metadata": part(form, "metadata"),
            "payment_intent": None,
            "url": f"{self.url}/c/pay/cs_test_{number}#fid",
            "livemode": False,
        }
        self.forms.append(form)
        return 200, session

    def refund(self, form: Form) -> Answer:
        payment = self.payments.get(form["payment_intent"])
        if payment is None:
            return error(404, "resource_missing", "No such payment_intent")
        given = sum(each["amount"] for each in self.refunds if each["payment_intent"] == payment["id"])
        if int(form["amount"]) + given > payment["amount"]:
            return error(400, "", "Refund amount is greater than unrefunded amount on charge")
        made = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": int(form["amount"]),
            "payment_intent": payment["id"],
            "status": "succeeded",
            "metadata": part(form, "metadata"),
        }
        self.refunds.append(made)
        return 200, made

    def listed(self, form: Form) -> Answer:
        found = [each for each in self.refunds if each["payment_intent"] == form["payment_intent"]]
        return 200, {"object": "list", "data": found, "has_more": False, "url": REFUNDS}


class Handler(PlainHandler):
    """HTTP in, HTTP out."""

    stripe: Stripe

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        kind = "refunds" if parts.path == REFUNDS else "get"
        self.take(kind, parts.path.removeprefix(SESSIONS).strip("/"), dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        assert not text or self.headers["content-type"] == "application/x-www-form-urlencoded"
        session_id, _slash, action = self.path.removeprefix(SESSIONS).strip("/").partition("/")
        self.take("refund" if self.path == REFUNDS else action or "open", session_id, dict(parse_qsl(text)))

    def take(self, kind: str, session_id: str, form: Form) -> None:
        """Answers, or misbehaves as the knob of this kind of call says."""
        stripe, knob = self.stripe, self.stripe.knobs.get(kind, Knob())
        with stripe.lock:
            stripe.calls.append((kind, session_id))
            stripe.at_once += 1
            stripe.most_at_once = max(stripe.most_at_once, stripe.at_once)
        if watcher := stripe.watchers.get(kind):
            watcher()
        time.sleep(knob.delay)
        with stripe.lock:
            stripe.at_once -= 1
        key, status = self.headers.get("Idempotency-Key", ""), 0
        answer: Any = None
        replayed = key in stripe.answers
        if not (knob.down or knob.status or knob.body is not None) or knob.acts:
            status, answer = self.asked(kind, session_id, form, key)
        elif knob.status >= 500 and key:
            stripe.answers[key] = form, error(knob.status, "", "Something is wrong at Stripe.", "api_error")
        if knob.down:
            self.close_connection = True
            return
        self.replayed = replayed
        if knob.body is not None:
            answer = knob.body
        elif knob.status:
            answer = error(knob.status, "", "As the knob says.", "api_error")[1]
        self.send(knob.status or status or 200, answer, knob.drip)

    def end_headers(self) -> None:
        self.send_header("request-id", "req_test")
        if getattr(self, "replayed", False):
            self.send_header("idempotent-replayed", "true")
        super().end_headers()

    def asked(self, kind: str, session_id: str, form: Form, key: str) -> Answer:
        if self.headers.get("authorization") != f"Bearer {KEY}":
            return error(401, "", "Invalid API Key provided: sk_test_*******")
        return self.stripe.handle(kind, session_id, form, key)


@contextmanager
def stripe_service(settings: LazySettings) -> Iterator[Stripe]:
    """New orders are paid at a new Stripe for the length of a `with` block."""
    stripe = Stripe()
    handler = type("BoundHandler", (Handler,), {"stripe": stripe})
    with Server(("127.0.0.1", 0), handler) as server:
        stripe.url = settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
        settings.PAYMENT_PROVIDER, settings.STRIPE_SECRET_KEY = "stripe", KEY
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        close_client()  # of a billing service that is there too
        calls.client()
        try:
            yield stripe
        finally:
            close_client()
            server.shutdown()


def event(kind: str, session: dict[str, Any], *, event_id: str = "evt_1", **changes: Any) -> str:
    """The body of an event about a session as it is."""
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": session | changes},
        }
    )


def signed(body: str, *secrets: str, at: float | None = None) -> dict[str, str]:
    """The header of an event: `t=...,v1=...`, with a signature for each secret."""
    sent_at = int(time.time() if at is None else at)
    text = f"{sent_at}.{body}".encode()
    made = [hmac.new(secret.encode(), text, hashlib.sha256).hexdigest() for secret in secrets]
    return {"stripe-signature": ",".join([f"t={sent_at}", *[f"v1={each}" for each in made]])}

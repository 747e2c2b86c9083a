"""Visitors who browse, are tracked and buy, and who write down what they were promised."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

from django.conf import settings

from tests.billing_server import BillingService
from tests.browsers import CHROME
from tests.world import ADDRESS, API, World, cart, signed, webhook_body

PATIENCE_SECONDS = 30
"""A visitor waits for so long: longer than any promise, so that what breaks one is seen."""
PACE_SECONDS = 0.15
"""Between two requests of a visitor."""


@dataclass(frozen=True)
class Answer:
    """What came of a request. `status` is 0 if nothing came, and `body` then says why."""

    kind: str
    began: float
    seconds: float
    status: int
    body: Any

    @property
    def ended(self) -> float:
        return self.began + self.seconds


@dataclass
class Ledger:
    """What visitors were told. Lists and sets of Python: each is only added to, by one step."""

    answers: list[Answer] = field(default_factory=list)
    events: set[str] = field(default_factory=set)
    """Ids of events that were answered 202."""
    orders: dict[str, Decimal] = field(default_factory=dict)
    """Totals of orders that were answered 2xx."""
    keys: dict[str, set[str]] = field(default_factory=dict)
    """The orders that were answered to each idempotency key."""
    paid: set[str] = field(default_factory=set)
    """Orders whose payment billing has taken."""
    probes: list[Answer] = field(default_factory=list)
    """What an orchestrator was told while the fault lasted."""

    def between(self, began: float, ended: float) -> list[Answer]:
        """Answers to what was asked in that time (`time.monotonic`)."""
        return [answer for answer in self.answers if began <= answer.began < ended]


@dataclass(frozen=True)
class Shop:
    """Where the load goes."""

    port: int
    world: World
    billing: BillingService


class Visitor:
    """A browser with an address and a visit of its own. Each request has a new connection."""

    def __init__(self, shop: Shop, ledger: Ledger) -> None:
        self.shop, self.ledger = shop, ledger
        self.token = ""
        self.headers = {
            "User-Agent": CHROME,
            "X-Forwarded-For": ".".join(str(random.randint(1, 220)) for _ in range(4)),
            "Content-Type": "application/json",
        }

    def ask(
        self, kind: str, method: str, path: str, body: Any = None, *, patience: float = PATIENCE_SECONDS, **headers: str
    ) -> Answer:
        """One request, written down."""
        cookies = {"Cookie": f"visitor_session={self.token}"} if self.token else {}
        content = body if isinstance(body, str) else None if body is None else json.dumps(body)
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.shop.port, timeout=patience)
        try:
            connection.request(method, path, content, self.headers | cookies | headers)
            came = connection.getresponse()
            status, text = came.status, came.read().decode()
            for cookie in came.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.token = value if name == "visitor_session" else self.token
        except (OSError, HTTPException) as error:
            status, text = 0, repr(error)
        finally:
            connection.close()
        answer = Answer(kind, began, time.monotonic() - began, status, json_of(text))
        self.ledger.answers.append(answer)
        return answer

    def call(self, kind: str, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request of the API."""
        return self.ask(kind, method, API + path, body, **more)


def json_of(text: str) -> Any:
    """What a text says, or the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def browse(visitor: Visitor) -> None:
    """Looks at what there is, and at one of it."""
    visitor.call("products", "GET", "/storefront/products")
    time.sleep(PACE_SECONDS)
    visitor.call("product", "GET", f"/storefront/products/{visitor.shop.world.mug.slug}")
    time.sleep(PACE_SECONDS)
    visitor.call("visit", "GET", "/storefront/session/current")


def be_tracked(visitor: Visitor) -> None:
    """A page with two events. What is not taken is sent again, as the script does; then it is left."""
    events = [{"eventId": str(uuid4()), "eventType": name, "page": "/x"} for name in ("page_view", "search")]
    for _try in range(3):
        answer = visitor.call("track", "POST", "/analytics/track", {"events": events})
        if answer.status == 202:
            assert answer.body == {"accepted": 2, "rejected": []}
            visitor.ledger.events.update(event["eventId"] for event in events)
            return
        time.sleep(PACE_SECONDS)


@dataclass(frozen=True)
class FilledIn:
    """A shopper with a checkout that only has to be confirmed."""

    shopper: Visitor
    body: Mapping[str, Any]
    key: str

    def confirm(self) -> Answer:
        """Each time with the same key."""
        return self.shopper.call(
            "confirm", "POST", "/checkout/confirm-order", self.body, **{"Idempotency-Key": self.key}
        )


def fill_in(shop: Shop, ledger: Ledger) -> FilledIn | None:
    """A new shopper comes as far as that; None if the shop did not let them."""
    shopper, world = Visitor(shop, ledger), shop.world
    opened = shopper.call("initiate", "POST", "/checkout/initiate", {"cartItems": cart([(world.mug, 1)])})
    if opened.status != 201:
        return None
    key = str(uuid4())
    asked = {"checkoutId": opened.body["data"]["checkoutId"], "shippingAddress": ADDRESS}
    shopper.call("shipping", "POST", "/checkout/calculate-shipping", asked)
    person = {"email": f"{key[:8]}@example.com", "firstName": "Ada", "lastName": "Byron"}
    return FilledIn(shopper, asked | person | {"shippingMethodId": str(world.method.id)}, key)


def buy(visitor: Visitor, *, heard: bool = True) -> None:
    """A new shopper goes all the way, if the shop lets them; confirming is tried again with the same key. The shop
    hears of the payment, or must ask.
    """
    found = fill_in(visitor.shop, visitor.ledger)
    if found is None:
        return
    for _try in range(3):
        answer = found.confirm()
        if answer.status == 201:
            placed(found, answer.body["data"], heard=heard)
            return
        time.sleep(PACE_SECONDS)


def buy_unheard(visitor: Visitor) -> None:
    """The same, and no webhook comes."""
    buy(visitor, heard=False)


def placed(buyer: FilledIn, data: dict[str, Any], *, heard: bool) -> None:
    """Notes the order, pays it, and looks at it."""
    order_id = note_order(buyer, data["order"])
    pay(buyer.shopper, order_id, data["payment"]["paymentUrl"], heard=heard)
    buyer.shopper.call("order", "GET", f"/orders/{order_id}")


def note_order(buyer: FilledIn, order: dict[str, Any]) -> str:
    """Writes down that the order was promised; its id."""
    order_id, ledger = str(order["orderId"]), buyer.shopper.ledger
    ledger.orders[order_id] = Decimal(order["summary"]["total"])
    ledger.keys.setdefault(buyer.key, set()).add(order_id)
    return order_id


def pay(shopper: Visitor, order_id: str, payment_url: str, *, heard: bool = True) -> None:
    """Pays it at billing, which tells the shop, or does not."""
    billing = shopper.shop.billing
    pay_id = payment_url.rpartition("/")[2]
    billing.settle(pay_id, "success")
    shopper.ledger.paid.add(order_id)
    if not heard:
        return
    text = json.dumps(webhook_body(billing.sessions[pay_id]))
    headers = signed(text, secret=settings.BILLING_WEBHOOK_SECRETS[0], webhook_id=f"msg_{pay_id}")
    shopper.call("webhook", "POST", "/billing/webhook", text, **headers)


USUAL = (browse, browse, be_tracked, be_tracked, buy)


@contextmanager
def load(shop: Shop, deeds: tuple[Callable[[Visitor], None], ...] = USUAL) -> Iterator[Ledger]:
    """A visitor for each of these deeds, which they do again and again until the `with` block ends."""
    ledger, over = Ledger(), threading.Event()
    broken: list[Exception] = []

    def live(deed: Callable[[Visitor], None]) -> None:
        try:
            visitor = Visitor(shop, ledger)
            while not over.wait(PACE_SECONDS):
                deed(visitor)
        except Exception as error:  # noqa: BLE001 - it is raised where the load ends
            broken.append(error)

    threads = [threading.Thread(target=live, args=(deed,), daemon=True) for deed in deeds]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS * 2)
    assert not broken, broken


def p95(answers: list[Answer]) -> float:
    """Seconds within which 95 of 100 answers came."""
    took = sorted(answer.seconds for answer in answers)
    return took[int(len(took) * 0.95)]


def told(answers: list[Answer]) -> str:
    """Answers by what was asked and said, for people."""
    said = Counter((answer.kind, answer.status) for answer in answers)
    slowest = max((answer.seconds for answer in answers), default=0)
    with suppress(IndexError):
        return f"{len(answers)} answers, p95 {p95(answers) * 1000:.0f} ms, slowest {slowest:.2f} s: {dict(said)}"
    return "no answers"

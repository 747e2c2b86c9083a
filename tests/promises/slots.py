"""Work for each slot of a while: something to ask, to settle, to expire, to send back, to write, to hear of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core import mail
from core.clock import now
from customers.letters import PASSWORD_CHANGED
from orders import inbox
from orders.models import Order, PaymentAttempt
from orders.providers.contract import SignedWebhook
from sessions_app import services
from sessions_app.events import Event, Source
from tests.billing_server import BillingService, PaySession
from tests.browsers import CHROME
from tests.factories import CheckoutSessionFactory, ProductFactory, RefundFactory
from tests.world import Shopper, World, attempt_of, report, webhook_body, window_ends


@dataclass
class Slots:
    """What is due, one of each kind a slot, and the orders that it is about."""

    billing: BillingService
    world: World = field(default_factory=lambda: World(mug=ProductFactory(name="Mug", stock_quantity=10_000)))
    unpaid: list[Order] = field(default_factory=list)
    paid: list[Order] = field(default_factory=list)
    expiring: list[Order] = field(default_factory=list)
    refunded: list[Order] = field(default_factory=list)
    told: list[Order] = field(default_factory=list)
    session: UUID = field(default_factory=lambda: visit())
    events: int = 0

    def fill(self) -> None:
        """One of each that is due now."""
        at, later = now(), now() + timedelta(days=1)
        self.paid.append(self.settled(at))
        self.expiring.append(self.order(later))
        window_ends(self.expiring[-1])
        self.refunded.append(self.order(later))
        RefundFactory(attempt=report(attempt_of(self.refunded[-1]), "success"), next_try_at=at, requested_at=at)
        self.told.append(self.settled(later))
        self.tell(self.told[-1])
        mail.queue(kind=PASSWORD_CHANGED, recipient="ada@example.com", language="en", now=at)
        CheckoutSessionFactory(updated_at=at, expires_at=at)
        services.see(self.session, events=[Event("page_view", Source.SCRIPT, at, page="/x")], now=at)
        self.events += 1

    def tell(self, order: Order) -> None:
        """A webhook, left by a process that died."""
        body = json.dumps(webhook_body(self.session_of(order))).encode()
        inbox.store(SignedWebhook(f"msg_{order.number}", {}, body), provider="billing", now=now() - inbox.DIED_AFTER)

    def order(self, due: datetime) -> Order:
        """An order that billing is next asked about then."""
        placed = Shopper().order(self.world)
        ask_at(placed, due)
        return placed

    def settled(self, due: datetime) -> Order:
        """One that was paid, as billing will say."""
        placed = self.order(now() + timedelta(days=1))
        self.billing.settle(self.key_of(placed), "success")
        ask_at(placed, due)
        return placed

    def key_of(self, order: Order) -> str:
        """Billing's id of its attempt."""
        return attempt_of(order).billing_checkout_id

    def session_of(self, order: Order) -> PaySession:
        """Billing's side of its attempt."""
        return self.billing.sessions[self.key_of(order)]

    def asked(self, kind: str, orders: list[Order]) -> list[int]:
        """How often billing was asked this about each."""
        return [self.billing.asked[kind, self.key_of(order)] for order in orders]


def ask_at(order: Order, due: datetime) -> None:
    """Billing is next asked about the order then."""
    PaymentAttempt.objects.filter(order_session__order=order).update(next_poll_at=due)


def visit() -> UUID:
    """Somebody is there."""
    arrival = services.Arrival(ip="203.0.113.9", user_agent=CHROME, landing_page="/")
    return services.open_session(services.begin(arrival=arrival, now=now()), events=(), now=now()).session_id

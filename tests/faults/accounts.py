"""What was promised and what was kept, when the fault is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from checkout.models import IdempotencyKey
from orders.models import Order
from sessions_app.models import DeadLetter, SessionEvent
from sessions_app.state import STREAM
from tests.faults.load import Ledger
from tests.faults.servers import redis_at
from tests.faults.shop import RunningShop
from tests.promises.processes import until
from tests.world import problems

RECOVERED_SECONDS = 120
"""What a worker had in hand when it died is done by then."""
LEASE_SECONDS = 60
"""A flusher that Redis left in the middle may keep its turn for half a minute."""


@dataclass(frozen=True)
class Accounts:
    """How much was promised, and what of it was not kept."""

    events: int
    orders: int
    lost_events: set[str]
    doubled_events: set[str]
    lost_orders: set[str]
    wrong_totals: set[str]
    keys_with_two_orders: set[str]
    unpaid: set[str]
    dead_letters: int
    problems: object

    def kept(self) -> bool:
        """Whether everything was."""
        wrong = (self.lost_events, self.doubled_events, self.lost_orders, self.wrong_totals, self.keys_with_two_orders)
        return not any((*wrong, self.unpaid, self.dead_letters, self.problems))


def close(shop: RunningShop, ledger: Ledger, *, payments: bool = True) -> Accounts:
    """Waits until all is done that is still to do, and compares; without `payments` nothing is asked of these."""
    if not payments:
        ledger.paid.clear()
    until(lambda: is_flushed(shop), "the stream is empty", seconds=LEASE_SECONDS)
    paid = Order.objects.filter(pk__in=ledger.paid)
    with_patience(lambda: not paid.exclude(status=Order.Status.SUCCESS).exists())
    return compare(ledger)


def compare(ledger: Ledger) -> Accounts:
    """The database against what visitors were told."""
    stored = SessionEvent.objects.filter(event_id__in=ledger.events).values_list("event_id").annotate(Count("pk"))
    times = {str(event_id): count for event_id, count in stored}
    totals: dict[str, Decimal] = {
        str(order_id): total
        for order_id, total in Order.objects.filter(pk__in=ledger.orders).values_list("pk", "total")
    }
    success = Order.objects.filter(pk__in=ledger.paid, status=Order.Status.SUCCESS)
    return Accounts(
        events=len(ledger.events),
        orders=len(ledger.orders),
        lost_events=ledger.events - set(times),
        doubled_events={event_id for event_id, count in times.items() if count > 1},
        lost_orders=set(ledger.orders) - set(totals),
        wrong_totals={order_id for order_id, total in totals.items() if total != ledger.orders[order_id]},
        keys_with_two_orders={key for key, orders in ledger.keys.items() if len(orders | orders_of(key)) != 1},
        unpaid=ledger.paid - {str(order_id) for order_id in success.values_list("pk", flat=True)},
        dead_letters=DeadLetter.objects.count(),
        problems=problems(),
    )


def orders_of(key: str) -> set[str]:
    """Orders that were made for an idempotency key."""
    return {str(key.order_id) for key in IdempotencyKey.objects.filter(key=key, order__isnull=False)}


def is_flushed(shop: RunningShop) -> bool:
    """Whether no event is on its way any more."""
    with redis_at(shop.servers.redis) as client:
        return bool(client.xlen(STREAM) == 0)


def with_patience(ask: Callable[[], bool], seconds: float = RECOVERED_SECONDS) -> bool:
    """Whether it came to be so."""
    deadline = time.monotonic() + seconds
    while not (there := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there

"""Billing's webhooks in every order, each three times over, or never: one final state, one effect."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice, permutations
from random import Random
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.models import Product
from checkout.models import CheckoutSession
from core.clock import now
from orders import inbox
from orders.models import Order, OrderSession, OutboxEvent, PaymentAttempt, Refund, WebhookReceipt
from orders.providers.contract import Report
from orders.services import expire_due, poll_billing, retry_payment, settling
from tests.billing_server import BillingService
from tests.world import Shopper, World, attempt_of, check_books, report, signed, webhook_body, window_ends

pytestmark = pytest.mark.django_db

SECRET = settings.BILLING_WEBHOOK_SECRETS[0]
TICK = timedelta(seconds=5)
Said = tuple[int, str, str]
"""Which attempt, what became of it, and what was taken; empty for what was agreed."""


def both_pay(order: Order, world: World) -> None:
    """Two attempts, the second is the last."""
    OrderSession.objects.filter(order=order).update(max_payment_attempts=2)
    report(attempt_of(order), "timeout")
    retry_payment(order_id=order.pk, now=now())


def sold_out_meanwhile(order: Order, world: World) -> None:
    """Two attempts, the window has passed and all mugs are somebody else's."""
    both_pay(order, world)
    window_ends(order)
    expire_due(now=now())
    Shopper().order(world, (world.mug, 10))


PAID = ("success", "completed", "success")
EXPIRED = ("expired", "expired", "timeout")
TOO_LITTLE = "billing took 1.00 GBP instead of 33.00 GBP"
Case = tuple[Callable[[Order, World], None], list[Said], tuple[Any, ...]]
CASES: dict[str, Case] = {
    "both attempts are paid": (
        both_pay,
        [(1, "open", ""), (1, "success", ""), (2, "open", ""), (2, "failure", ""), (2, "success", "")],
        (PAID, "paid twice", 1, 1, 9, 1),
    ),
    "the first is paid with too little": (
        both_pay,
        [(1, "open", ""), (1, "success", "1.00"), (2, "failure", ""), (2, "timeout", ""), (2, "success", "")],
        (PAID, TOO_LITTLE, 1, 0, 9, 1),
    ),
    "paid late, and sold out": (
        sold_out_meanwhile,
        [(1, "failure", ""), (1, "success", ""), (2, "open", ""), (2, "timeout", ""), (2, "success", "")],
        (EXPIRED, "paid late, sold out meanwhile", 0, 2, 0, 0),
    ),
}
EVERY = {"both attempts are paid": 1}
"""Of the other cases every seventh order of reports is enough: they differ in what comes of it, not in how."""


def body_of(order: Order, billing: BillingService, said: Said) -> str:
    """The webhook that says so."""
    number, status, amount = said
    session = billing.sessions[attempt_of(order, number).billing_checkout_id]
    return json.dumps(webhook_body(session, status=status, amount=amount or session.amount))


def deliver(bodies: Sequence[str]) -> None:
    """Each twice under one id, as from a billing service that heard no answer; and all once more under another."""
    copies = [(body, "first") for body in bodies for _ in range(2)] + [(body, "again") for body in bodies]
    for body, which in copies:
        headers = signed(body, secret=SECRET, webhook_id=f"msg_{which}_{zlib.crc32(body.encode())}")
        inbox.receive(provider="billing", body=body.encode(), headers=headers, now=now())


def state(order: Order, world: World) -> tuple[Any, ...]:
    """What came of it all: the ends of order, window and checkout, why staff must look, how many attempts count and
    how many go back, the stock, and how often the sale counts.
    """
    found = Order.objects.select_related("session", "customer").get(pk=order.pk)
    attempts = PaymentAttempt.objects.filter(order_session=found.session)
    ends = found.status, found.session.status, CheckoutSession.objects.get(order=found).status
    counted = attempts.exclude(counted_at=None).count()
    back = Refund.objects.filter(attempt__in=attempts, amount=found.total).count()
    stock = Product.objects.get(pk=world.mug.pk).stock_quantity
    assert OutboxEvent.objects.filter(topic="order.paid").count() == found.customer.total_orders
    return ends, found.needs_attention, counted, back, stock, found.customer.total_orders


@pytest.mark.parametrize("name", CASES)
def test_every_order_of_five_reports_three_copies_each_ends_alike(
    name: str, world: World, billing: BillingService, shopper: Shopper
) -> None:
    prepare, said, expected = CASES[name]
    order = shopper.order(world)
    prepare(order, world)
    bodies = [body_of(order, billing, each) for each in said]
    for in_this_order in islice(permutations(bodies), 0, None, EVERY.get(name, 7)):
        with transaction.atomic():
            deliver(in_this_order)
            assert state(order, world) == expected
            assert WebhookReceipt.objects.count() == 2 * len(said)
            check_books()
            transaction.set_rollback(True)


def test_control_a_shop_that_forgets_what_it_was_told_ends_otherwise(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each report of money is settled as if it were the first."""

    def anew(*, billing_checkout_id: str, report: Report, actor: str, now: datetime) -> PaymentAttempt:
        attempt = PaymentAttempt.objects.get(billing_checkout_id=billing_checkout_id)
        order = Order.objects.select_related("session").get(session=attempt.order_session)
        if report.status == "success":
            settling.settle_success(order, attempt, report, actor=actor, now=now)
        return attempt

    prepare, said, expected = CASES["both attempts are paid"]
    order = shopper.order(world)
    prepare(order, world)
    bodies = [body_of(order, billing, each) for each in said]
    monkeypatch.setattr(inbox, "settle_attempt", anew)
    try:
        deliver(bodies)
    except IntegrityError:
        return  # PostgreSQL refuses to send the same money back twice
    assert state(order, world) != expected


FATES = ["success", "failure", "timeout", "success", "wrong amount", "open"]


@pytest.mark.parametrize("seed", range(4))
def test_without_any_webhook_two_ticks_after_billing_knows_the_shop_does(
    seed: int, world: World, billing: BillingService
) -> None:
    """Orders are placed, and decided at billing, at any moment between ticks, which come a little early or late."""
    random, start = Random(seed), now()
    orders = [(Shopper().order(world, (world.tea, 1)), fate, random.randrange(1, 5)) for fate in FATES]
    for attempt in PaymentAttempt.objects.all():
        PaymentAttempt.objects.filter(pk=attempt.pk).update(next_poll_at=start + random.random() * TICK)
    for number in range(8):
        for order, fate, known in orders:
            if known == number:
                become(billing, attempt_of(order).billing_checkout_id, fate)
        assert poll_billing(now=start + (number + random.uniform(0.9, 1.1)) * TICK).errors == {}
        decided = [order for order, fate, known in orders if fate != "open" and known < number]
        assert all(attempt_of(order).status != "open" for order in decided)
    assert [attempt_of(order).status for order, _fate, _known in orders] == [
        {"wrong amount": "success"}.get(fate, fate) for fate in FATES
    ]
    assert [Order.objects.get(pk=order.pk).status == "success" for order, _fate, _known in orders] == [
        fate == "success" for fate in FATES
    ]
    assert not WebhookReceipt.objects.exists()
    check_books()


def become(billing: BillingService, checkout_id: str, fate: str) -> None:
    """What the shopper does at billing."""
    if fate == "wrong amount":
        billing.settle(checkout_id, "success", amount="1.00")
    elif fate != "open":
        billing.settle(checkout_id, fate)

"""The touches that an order keeps: the visitor's first, and the last that was not direct, within 30 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine

from core.clock import now
from customers.models import Customer
from orders.models import Order
from sessions_app.ingest import flush
from sessions_app.models import VisitorSession
from sessions_app.selectors import attribution
from tests.billing_server import BillingService
from tests.factories import VisitorSessionFactory
from tests.stored import rows_of
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db(transaction=True)
NEWSLETTER = "/shop/?utm_source=newsletter&utm_medium=email&utm_campaign=hello"


def visit(visitor: UUID, at: datetime, channel: str) -> VisitorSession:
    """A visit that came so."""
    touch = {"at": at.isoformat(), "channel": channel}
    found: VisitorSession = VisitorSessionFactory(
        visitor_id=visitor, started_at=at, last_seen_at=at, channel=channel, touches=[touch]
    )
    return found


def channels(visitor: UUID, at: datetime) -> tuple[Any, Any]:
    found = attribution(visitor_id=visitor, now=at)
    return found.first.get("channel"), found.last.get("channel")


def choose(shopper: Shopper, analytics: bool) -> None:
    answer = shopper.call("put", "/storefront/session/consent", {"analytics": analytics})
    assert answer.status_code == 200


def test_the_last_touch_is_the_last_that_was_not_direct() -> None:
    visitor, at = uuid4(), now()
    for days, channel in ((9, "email"), (5, "paid"), (1, "direct")):
        visit(visitor, at - timedelta(days=days), channel)
    assert channels(visitor, at) == ("email", "paid")


def test_without_any_other_the_last_touch_is_direct() -> None:
    visitor, at = uuid4(), now()
    visit(visitor, at - timedelta(days=1), "direct")
    assert channels(visitor, at) == ("direct", "direct")


@pytest.mark.parametrize(("hours", "counts"), [(-1, True), (1, False)])
def test_a_touch_counts_for_30_days(hours: int, counts: bool) -> None:
    visitor, at = uuid4(), now()
    visit(visitor, at - timedelta(days=30, hours=hours), "email")
    visit(visitor, at - timedelta(days=1), "direct")
    assert channels(visitor, at) == (("email", "email") if counts else ("direct", "direct"))


def test_the_touches_of_another_visitor_are_not_mine() -> None:
    at = now()
    visit(uuid4(), at - timedelta(days=1), "email")
    assert channels(uuid4(), at) == (None, None)


def test_of_more_visits_than_are_read_the_first_and_the_last_count() -> None:
    visitor, at = uuid4(), now()
    visit(visitor, at - timedelta(days=20), "email")
    for number in range(501):
        visit(visitor, at - timedelta(days=10) + timedelta(minutes=number), "direct")
    visit(visitor, at - timedelta(days=1), "paid")
    assert channels(visitor, at) == ("email", "paid")


@pytest.mark.parametrize("first", [None, True, False])
@pytest.mark.parametrize("answer", [True, False])
def test_an_answer_about_consent_in_mid_checkout_loses_no_touch(
    world: World, billing: BillingService, shopper: Shopper, first: bool | None, answer: bool
) -> None:
    shopper.post("/analytics/track", {"eventType": "page_view", "page": NEWSLETTER})
    flush(consumer="test")
    if first is not None:
        choose(shopper, first)
    checkout_id = shopper.checkout((world.mug, 1))
    choose(shopper, answer)
    assert shopper.confirm(checkout_id, world).status_code == 201
    order = Order.objects.get()
    assert (order.first_touch["utm_source"], order.last_touch["utm_source"]) == ("newsletter", "newsletter")


def test_a_buyer_was_first_here_when_the_visit_began_and_not_at_ordering(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    begun = now()
    shopper.post("/analytics/track", {"eventType": "page_view", "page": "/"})
    with time_machine.travel(begun + timedelta(minutes=10)):
        shopper.buy(world)
    assert first_visit() - begun < timedelta(minutes=5)


def test_a_buyer_who_was_here_before_was_first_here_then(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    choose(shopper, True)
    earlier = now() - timedelta(days=9)
    visit(UUID(shopper.visit()["visitorId"]), earlier, "email")
    shopper.buy(world)
    assert first_visit() == earlier


def first_visit() -> datetime:
    found = Customer.objects.get().first_visit_at
    assert found is not None
    return found


def test_a_visit_without_a_touch_says_when_it_began(world: World, billing: BillingService, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    began = now() - timedelta(hours=1)
    VisitorSession.objects.update(touches=[], started_at=began)
    assert shopper.confirm(checkout_id, world).status_code == 201
    assert first_visit() == began


def test_a_refusal_in_mid_checkout_leaves_the_lasting_id_in_the_proof_of_consent_alone(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    choose(shopper, True)
    lasting = UUID(shopper.visit()["visitorId"])
    shopper.checkout((world.mug, 1))
    choose(shopper, False)
    flush(consumer="test")
    tables = rows_of("checkout_") | rows_of("orders_") | rows_of("sessions_app_")
    kept = [table for table, text in tables.items() if str(lasting) in text or lasting.hex in text]
    assert kept == ["sessions_app_consentrecord"]

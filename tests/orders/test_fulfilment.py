"""How far a paid order is on its way: the moves that there are, the history, and one mail a parcel."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.core import mail as django_mail

from core import mail
from core.clock import now
from core.models import Mail
from orders import letters
from orders.models import Order, OutboxEvent
from orders.services import FulfilmentNotAllowedError, Parcel, fulfil
from tests.billing_server import BillingService
from tests.database import force_status
from tests.world import Shopper, World, attempt_of, check_books, report

pytestmark = pytest.mark.django_db
STAFF = "ada@example.com"
PARCEL = Parcel("Royal Mail", "AB123456789GB", "https://track.example.com/AB123456789GB")
WAYS = {
    ("pending", "processing"),
    ("processing", "shipped"),
    ("shipped", "shipped"),
    ("shipped", "delivered"),
    ("pending", "canceled"),
    ("processing", "canceled"),
}


@pytest.fixture
def order(world: World, billing: BillingService, shopper: Shopper) -> Order:
    """Paid; its mails are out."""
    placed = shopper.order(world)
    report(attempt_of(placed), "success")
    mail.send_due(now=now())
    django_mail.outbox.clear()
    placed.refresh_from_db()
    return placed


def move(order: Order, status: str, **more: Any) -> Order:
    return fulfil(order_id=order.pk, status=status, actor=STAFF, now=now(), **more)


def ship(order: Order, parcel: Parcel = PARCEL) -> Order:
    move(order, "processing")
    return move(order, "shipped", parcel=parcel)


def mails() -> list[Any]:
    """What goes out now."""
    before = len(django_mail.outbox)
    mail.send_due(now=now())
    return list(django_mail.outbox[before:])


@pytest.mark.parametrize(("before", "after"), list(product(Order.Fulfillment.values, repeat=2)))
def test_an_order_goes_only_the_ways_of_the_table(before: str, after: str, order: Order) -> None:
    if after == "pending":
        return
    Order.objects.update(fulfillment_status=before)
    if (before, after) in WAYS:
        assert move(order, after, parcel=PARCEL).fulfillment_status == after
    else:
        with pytest.raises(FulfilmentNotAllowedError):
            move(order, after, parcel=PARCEL)
        assert Order.objects.get().fulfillment_status == before


@pytest.mark.parametrize("status", ["pending", "failed", "expired", "cancelled"])
def test_only_a_paid_order_is_sent(status: str, order: Order) -> None:
    force_status(status)
    with pytest.raises(FulfilmentNotAllowedError):
        move(order, "processing")


def test_each_step_stands_in_the_history_with_who_and_why(order: Order) -> None:
    ship(order)
    steps = order.history.filter(field="fulfillment_status")
    assert [(step.old, step.new, step.actor, step.reason) for step in steps] == [
        ("pending", "processing", STAFF, ""),
        ("processing", "shipped", STAFF, "Royal Mail AB123456789GB"),
    ]
    check_books()


def test_shipping_keeps_how_the_parcel_is_followed(order: Order) -> None:
    ship(order)
    order.refresh_from_db()
    assert (order.carrier, order.tracking_number, order.tracking_url) == (
        PARCEL.carrier,
        PARCEL.tracking_number,
        PARCEL.tracking_url,
    )


def test_the_shopper_reads_how_the_parcel_is_followed(order: Order, shopper: Shopper) -> None:
    names = ("fulfillmentStatus", "carrier", "trackingNumber", "trackingUrl")
    before = shopper.get(f"/orders/{order.id}").json()["data"]
    ship(order)
    after = shopper.get(f"/orders/{order.id}").json()["data"]
    assert [before[name] for name in names] == ["pending", "", "", ""]
    assert [after[name] for name in names] == [
        "shipped",
        PARCEL.carrier,
        PARCEL.tracking_number,
        PARCEL.tracking_url,
    ]


def test_the_customer_is_told_once_that_it_is_on_its_way(order: Order) -> None:
    ship(order)
    (message,) = mails()
    page = message.alternatives[0].content
    assert order.number in message.subject
    assert ["Royal Mail AB123456789GB" in text for text in (message.body, page)] == [True, True]
    assert f'href="{PARCEL.tracking_url}"' in page
    assert mails() == []


def test_a_parcel_without_a_number_is_told_without_one(order: Order) -> None:
    ship(order, Parcel())
    (message,) = mails()
    assert "Tracking" not in message.body


def test_what_has_arrived_is_not_told_to_be_on_its_way(order: Order) -> None:
    ship(order)
    move(order, "delivered")
    assert mails() == []
    assert Mail.objects.get(kind=letters.SHIPPED).status == "skipped"


def test_a_number_that_was_mistyped_and_not_told_yet_is_told_right_once(order: Order) -> None:
    ship(order)
    move(order, "shipped", parcel=Parcel("Royal Mail", "RIGHT"))
    (message,) = mails()
    assert "Royal Mail RIGHT" in message.body
    assert PARCEL.tracking_number not in message.body


def test_a_number_that_was_told_wrong_is_told_right_in_another_mail(order: Order) -> None:
    ship(order)
    assert len(mails()) == 1
    move(order, "shipped", parcel=Parcel("Royal Mail", "RIGHT"))
    assert len(mails()) == 1


def test_the_same_parcel_again_is_no_correction(order: Order) -> None:
    ship(order)
    with pytest.raises(FulfilmentNotAllowedError):
        move(order, "shipped", parcel=PARCEL)
    assert len(mails()) == 1


def test_it_is_told_in_the_language_of_the_order(order: Order) -> None:
    Order.objects.update(language="vi")
    ship(order)
    (message,) = mails()
    assert "đang trên đường" in message.subject


def test_other_services_have_no_topic_for_it(order: Order) -> None:
    before = OutboxEvent.objects.count()
    ship(order)
    assert OutboxEvent.objects.count() == before

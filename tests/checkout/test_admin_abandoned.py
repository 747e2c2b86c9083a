"""Abandoned checkouts and addresses without reminders, as staff see them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from checkout.models import CheckoutSession, ReminderAddress
from core.clock import now
from tests.admin_lists import list_of, queries_of
from tests.factories import (
    CheckoutSessionFactory,
    OrderFactory,
    OrderSessionFactory,
    PaymentAttemptFactory,
    UserFactory,
)
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db
LIST = "checkout/abandonedcheckout"
CART = {
    "items": [{"name": "Mug", "sku": "MUG-1", "unitPrice": "14.00", "quantity": 2, "lineTotal": "28.00"}],
    "summary": {"total": "28.00", "currency": "GBP"},
}


def abandoned(**more: Any) -> CheckoutSession:
    """A checkout of two mugs that somebody left just now."""
    return CheckoutSessionFactory.create(**CART | {"status": "timeout", "lapsed_at": now()} | more)


def recovered(total: str, **more: Any) -> CheckoutSession:
    """One that came back, with its order."""
    order = OrderFactory.create(paid=True, subtotal=Decimal(total))
    return abandoned(recovered_at=now(), recovered_order=order, recovered_total=order.total, **more)


def failed() -> CheckoutSession:
    """One whose order was declined twice."""
    window = OrderSessionFactory.create(order__status="failed", status="cancelled")
    for number in (1, 2):
        PaymentAttemptFactory.create(order_session=window, number=number, status="failure")
    return abandoned(status="failure", order=window.order)


@pytest.mark.parametrize("rows", [2, 10])
def test_the_list_takes_as_many_queries_for_30_rows_as_for_6(admin_client: Client, rows: int) -> None:
    for _row in range(rows):
        abandoned()
        failed()
        recovered("40.00", reminder="sent", reminder_asked_at=now(), reminded_at=now(), email="ada@example.com")
    assert queries_of(admin_client, LIST) == 7


def test_the_list_has_abandoned_checkouts_alone(admin_client: Client) -> None:
    abandoned(email="left@example.com")
    CheckoutSessionFactory.create(status="success", email="paid@example.com")
    CheckoutSessionFactory.create(status="failure", email="cancelled@example.com")
    page = list_of(admin_client, LIST)
    assert [name for name in ("left@", "paid@", "cancelled@") if name in page] == ["left@"]


def test_it_says_how_far_the_shopper_came_and_how_paying_failed(admin_client: Client) -> None:
    failed()
    page = list_of(admin_client, LIST)
    assert "£28.00" in page
    assert "failed, attempt 2: failure" in page


def test_above_the_list_stands_what_came_of_the_last_28_days(admin_client: Client) -> None:
    abandoned()
    recovered("40.00", reminder="sent", reminder_asked_at=now(), reminded_at=now(), email="ada@example.com")
    recovered("2.50")
    note = "Last 28 days: 3 abandoned, 1 reminded, 2 recovered (£42.50)."
    assert note in list_of(admin_client, LIST)


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"recovered": "yes"}, ["back@"]),
        ({"recovered": "no"}, ["left@", "sent@"]),
        ({"reminder__exact": "sent"}, ["sent@"]),
        ({"q": "LEFT@ex"}, ["left@"]),
    ],
)
def test_it_is_filtered_and_searched(admin_client: Client, filters: dict[str, str], shown: list[str]) -> None:
    abandoned(email="left@example.com")
    abandoned(email="sent@example.com", reminder="sent", reminder_asked_at=now(), reminded_at=now())
    recovered("40.00", email="back@example.com")
    table = list_of(admin_client, LIST, **filters).partition("<tbody")[2]
    assert [name for name in ("left@", "back@", "sent@") if f">{name}" in table or f"{name}example" in table] == shown


def test_its_page_has_a_link_that_restores_the_cart(admin_client: Client, world: World, shopper: Shopper) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    CheckoutSession.objects.update(status="timeout", lapsed_at=now())
    page = admin_client.get(f"/admin/{LIST}/{checkout_id}/change/").content.decode()
    found = re.search(r'value="[^"]*/shop/cart#restore=([^"]+)"', page)
    assert found
    assert Shopper().post("/checkout/restore", {"token": found[1]}).status_code == 201


def test_unsubscribed_addresses_are_listed_and_can_be_allowed_again(admin_client: Client) -> None:
    ReminderAddress.objects.create(email="reminded@example.com", reminded_at=now())
    address = ReminderAddress.objects.create(email="quiet@example.com", unsubscribed_at=now())
    page = list_of(admin_client, "checkout/reminderaddress")
    assert ("quiet@example.com" in page, "reminded@example.com" in page) == (True, False)
    assert queries_of(admin_client, "checkout/reminderaddress") == 3
    path = f"/admin/checkout/reminderaddress/{address.pk}/allow/"
    admin_client.get(path)
    assert ReminderAddress.objects.get(pk=address.pk).unsubscribed_at is not None
    answer = admin_client.post(path, {"_form_submitted": "True"})
    assert "HX-Redirect" in answer.headers
    assert ReminderAddress.objects.get(pk=address.pk).unsubscribed_at is None


def test_an_address_is_allowed_again_by_those_who_may(client: Client) -> None:
    address = ReminderAddress.objects.create(email="quiet@example.com", unsubscribed_at=now())
    client.force_login(UserFactory.create(is_staff=True))
    answer = client.post(f"/admin/checkout/reminderaddress/{address.pk}/allow/", {"_form_submitted": "True"})
    assert answer.status_code == 403
    assert ReminderAddress.objects.get(pk=address.pk).unsubscribed_at is not None

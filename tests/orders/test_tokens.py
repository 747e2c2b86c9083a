"""The token of an order outlives the key that it was made with."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from orders.letters import order_link
from orders.models import Order
from orders.tokens import access_token, token_of
from tests.billing_server import BillingService
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(billing: BillingService, world: World, shopper: Shopper, settings: LazySettings) -> Order:
    """Placed before the key was exchanged."""
    placed = shopper.order(world)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "another-key-of-fifty-characters-and-more-0123456789",
    )
    return placed


def opens(order: Order, token: str) -> bool:
    return bool(Shopper().get(f"/orders/{order.id}", **{"X-Order-Token": token}).status_code == 200)


def test_a_mail_after_the_key_was_exchanged_still_leads_to_the_order(order: Order) -> None:
    assert opens(order, order_link(order).partition("#token=")[2])


def test_control_a_token_of_the_new_key_does_not_open_it(order: Order) -> None:
    assert not opens(order, access_token(order.id))


def test_a_key_that_is_no_longer_accepted_makes_none(order: Order, settings: LazySettings) -> None:
    settings.SECRET_KEY_FALLBACKS = []
    assert not opens(order, token_of(order))


def test_an_order_that_was_erased_has_none(order: Order) -> None:
    order.access_token_hash = "0" * 64
    order.save(update_fields=["access_token_hash"])
    assert not opens(order, token_of(order))

"""From a checkout to an order."""

from decimal import Decimal

import pytest

from catalog.models import Product
from checkout.models import CheckoutSession
from orders.models import Order, OutboxEvent
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.factories import CouponFactory
from tests.world import Shopper, World, check_books

pytestmark = pytest.mark.django_db(transaction=True)


def test_confirm_places_a_pending_order_with_its_payment(world: World, billing: BillingService, shopper: Shopper) -> None:
    data = shopper.buy(world, (world.mug, 2), (world.tea, 1))
    assert data["order"]["status"] == "pending"
    assert data["order"]["summary"]["total"] == "59.95"
    assert data["payment"]["paymentUrl"].startswith(billing.url)
    assert data["payment"]["attempt"]["number"] == 1
    assert data["session"]["remainingAttempts"] == 2
    assert billing.only().amount == "59.95"
    check_books()

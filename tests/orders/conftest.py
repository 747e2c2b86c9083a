"""What the tests of webhooks share."""

import json

import pytest

from orders.models import Order
from tests.billing_server import BillingService
from tests.world import webhook_body


@pytest.fixture
def paid(billing: BillingService, order: Order) -> str:
    """The body that says that the order is paid."""
    billing.settle(billing.only().checkout_id, "success")
    return json.dumps(webhook_body(billing.only()))

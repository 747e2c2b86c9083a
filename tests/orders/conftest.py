"""What the tests of webhooks share."""

import json
from collections.abc import Iterator

import pytest

from orders.models import Order
from tests.billing_server import BillingService
from tests.orders.subscriber import Subscriber, listening
from tests.world import webhook_body


@pytest.fixture
def paid(billing: BillingService, order: Order) -> str:
    """The body that says that the order is paid."""
    billing.settle(billing.only().checkout_id, "success")
    return json.dumps(webhook_body(billing.only()))


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    """Somebody who wants to hear of events."""
    with listening() as found:
        yield found

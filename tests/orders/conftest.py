"""A shop that can sell, and the billing service it is paid by."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.billing_server import BillingService, billing_service
from tests.world import Shopper, World, wide_pool


@pytest.fixture
def billing(settings: LazySettings) -> Iterator[BillingService]:
    """A billing service that behaves until it is told not to."""
    with billing_service(settings) as service:
        yield service


@pytest.fixture
def world() -> World:
    """Products, shipping and tax; ask for a database first."""
    return World()


@pytest.fixture
def shopper() -> Shopper:
    """Somebody with a browser."""
    return Shopper()


@pytest.fixture
def crowd() -> Iterator[None]:
    """Room for many threads at the database."""
    with wide_pool(30):
        yield

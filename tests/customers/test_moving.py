"""What a guest left becomes the account's, also what comes in while it does."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from core.clock import now
from customers.models import Customer
from customers.services import find_or_create_guest
from customers.services.moving import merge
from orders.models import Order
from tests.factories import CustomerFactory, OrderFactory
from tests.promises.gates import waiting
from tests.promises.processes import until


@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_being_placed_meanwhile_comes_along() -> None:
    """Whoever places it has the guest's row until they commit; whoever merges has looked for orders before."""
    guest, account = CustomerFactory(email="ada@example.com"), CustomerFactory()

    def merge_them() -> None:
        try:
            with transaction.atomic():
                merge(guest, into=account)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            find_or_create_guest(email=guest.email, first_name="", last_name="", phone="", first_visit_at=now())
            placed = OrderFactory(customer=guest)
            merging: Future[None] = threads.submit(merge_them)
            until(waiting, "the merge waits for the guest", of=merging)
        merging.result()
    assert Order.objects.get(pk=placed.pk).customer == account
    assert not Customer.objects.filter(pk=guest.pk).exists()

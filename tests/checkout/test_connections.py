"""Who waits for billing holds no connection to the database: the shop goes on with those that there are."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from core.postgresql.giving_back import WaitingInTransactionError, give_back
from orders.providers.calls import in_time
from tests.billing_server import BillingService
from tests.factories import ProductFactory
from tests.world import Shopper, World, check_books, replace_pool, together

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 10.0
BUYERS = 32
USUAL_SIZE = 10


@contextmanager
def pool_of(connections: int, *, timeout: float) -> Iterator[None]:
    """So many connections for everybody; who gets none within `timeout` seconds is refused."""
    usual = connection.settings_dict["OPTIONS"]["pool"]
    replace_pool(usual | {"min_size": 1, "max_size": connections, "timeout": timeout})
    try:
        yield
    finally:
        replace_pool(usual)


@pytest.fixture
def pool_of_one() -> Iterator[None]:
    """Another is refused within a second."""
    with pool_of(1, timeout=1):
        yield


@pytest.fixture
def usual_pool(patient: None) -> Iterator[None]:
    """Of the usual size. With time for a machine that runs the other tests at the same time."""
    assert connection.settings_dict["OPTIONS"]["pool"]["max_size"] == USUAL_SIZE
    with pool_of(USUAL_SIZE, timeout=30):
        yield


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Does something in another thread; what came of it stands in the list afterwards."""
    done: list[Any] = []

    def run() -> None:
        done.append(work())
        connections.close_all()

    connection.close()
    thread = threading.Thread(target=run)
    thread.start()
    yield done
    thread.join()


def asked(billing: BillingService, kind: str) -> None:
    """Waits until billing has been asked."""
    end = time.monotonic() + PATIENCE
    while not billing.calls[kind]:
        assert time.monotonic() < end, f"nobody asked billing to {kind}"
        time.sleep(0.01)


def browse() -> int:
    status: int = Shopper().get("/storefront/products").status_code
    connection.close()
    return status


@pytest.mark.usefixtures("pool_of_one")
def test_a_confirm_that_waits_for_billing_keeps_nobody_from_the_database(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    billing.knob("open", delay=3)
    with beside(lambda: shopper.confirm(checkout_id, world).status_code) as done:
        asked(billing, "open")
        assert browse() == 200
        assert done == []
    assert done == [201]


@pytest.mark.usefixtures("pool_of_one")
def test_a_cancel_that_waits_for_billing_keeps_nobody_from_the_database(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world)
    billing.knob("cancel", delay=3)
    with beside(lambda: shopper.post(f"/orders/{order.id}/cancel").status_code) as done:
        asked(billing, "cancel")
        assert browse() == 200
        assert done == []
    assert done == [200]


@pytest.mark.usefixtures("pool_of_one")
def test_with_the_connection_held_others_are_refused(
    world: World, billing: BillingService, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.providers.waiting.give_back", lambda: None)
    checkout_id = shopper.checkout((world.mug, 1))
    billing.knob("open", delay=3)
    with beside(lambda: shopper.confirm(checkout_id, world).status_code):
        asked(billing, "open")
        assert browse() == 503


def buy_at_once(world: World, billing: BillingService, *, crowd: int) -> Counter[int]:
    """32 buyers of one product, while billing answers nobody before so many wait for it; how they were answered."""
    hot = ProductFactory(stock_quantity=BUYERS)
    shoppers = [Shopper() for _ in range(BUYERS)]
    checkouts = [shopper.checkout((hot, 1)) for shopper in shoppers]
    billing.knob("open", crowd=crowd)
    connection.close()
    return Counter(together(BUYERS, lambda place: shoppers[place].confirm(checkouts[place], world).status_code))


@pytest.mark.usefixtures("usual_pool")
def test_32_buyers_of_one_product_wait_for_billing_together_with_ten_connections(
    world: World, billing: BillingService
) -> None:
    assert buy_at_once(world, billing, crowd=BUYERS) == {201: BUYERS}
    assert billing.most_at_once == BUYERS
    check_books()


@pytest.mark.usefixtures("usual_pool")
def test_control_with_their_connections_held_ten_wait_and_keep_the_others_out(
    world: World, billing: BillingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.providers.waiting.give_back", lambda: None)
    assert buy_at_once(world, billing, crowd=USUAL_SIZE) == {201: BUYERS}
    assert billing.most_at_once == USUAL_SIZE


@pytest.mark.parametrize("wait", [give_back, lambda: in_time(lambda: None)])
def test_nobody_is_waited_for_within_a_transaction(wait: Callable[[], object]) -> None:
    with transaction.atomic(), pytest.raises(WaitingInTransactionError):
        wait()

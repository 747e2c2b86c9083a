"""How many threads of a process wait for billing, and who goes on without."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from unittest import mock

import pytest

from config.run import procfile
from core.clock import now
from orders.models import Order, PaymentAttempt
from orders.providers import waiting
from orders.services import cancel_order
from tests.billing_server import BillingService
from tests.promises.processes import until
from tests.world import Shopper, World, check_books

NEVER: Callable[[], Future[str]] = Future


def asks(seconds: float) -> str:
    """What comes of a call that is never answered."""
    try:
        return waiting.result_of(NEVER, seconds=seconds)
    except TimeoutError as error:
        return str(error)


@contextmanager
def waiters(number: int, *, seconds: float, there: Callable[[], bool]) -> Iterator[list[str]]:
    """So many threads that wait in vain, once they are `there`; what came of each stands in the list afterwards."""
    came: list[str] = []
    threads = [threading.Thread(target=lambda: came.append(asks(seconds))) for _place in range(number)]
    for thread in threads:
        thread.start()
    until(there, "they wait")
    yield came
    for thread in threads:
        thread.join()


@pytest.fixture
def short_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOMENT_SECONDS", 0.05)


def all_places_taken() -> bool:
    return waiting.waiting.long == waiting.LONG


@pytest.mark.usefixtures("short_moment")
def test_half_of_the_threads_wait_for_long_and_the_others_for_a_moment() -> None:
    with waiters(waiting.LONG, seconds=3, there=all_places_taken) as patient:
        assert asks(60) == "others wait for longer"
    assert patient == [""] * waiting.LONG
    assert (waiting.waiting.all, waiting.waiting.long) == (0, 0)


def test_beside_those_a_few_try_and_whoever_comes_then_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Billing is not even called."""
    monkeypatch.setattr(waiting, "MOMENT_SECONDS", 0.05)
    begin = mock.Mock()
    with waiters(waiting.LONG, seconds=5, there=all_places_taken):
        monkeypatch.setattr(waiting, "MOMENT_SECONDS", 2)
        everybody = waiting.LONG + waiting.TRYING
        with (
            waiters(waiting.TRYING, seconds=5, there=lambda: waiting.waiting.all == everybody) as trying,
            pytest.raises(TimeoutError, match="others wait already"),
        ):
            waiting.result_of(begin, seconds=5)
    assert not begin.called
    assert set(trying) == {"others wait for longer"}


def test_who_is_answered_in_good_time_is_never_too_many() -> None:
    everybody = 4 * (waiting.LONG + waiting.TRYING)
    answered: Future[str] = Future()
    came: list[str] = []
    threads = [
        threading.Thread(target=lambda: came.append(waiting.result_of(lambda: answered, seconds=5)))
        for _place in range(everybody)
    ]
    for thread in threads:
        thread.start()
    answered.set_result("opened")
    for thread in threads:
        thread.join()
    assert came == ["opened"] * everybody


def test_half_of_webs_threads_are_left_to_those_who_browse() -> None:
    words = shlex.split(procfile()["web"])
    threads = int(words[words.index("--threads") + 1])
    assert threads == waiting.LONG * 2
    assert threads > waiting.LONG + waiting.TRYING


@contextmanager
def no_place() -> Iterator[None]:
    """As many wait already as may, for the length of a `with` block."""
    with mock.patch.object(waiting, "LONG", 0), mock.patch.object(waiting, "TRYING", 0):
        yield


@pytest.mark.django_db(transaction=True)
def test_without_a_place_an_order_is_kept_and_paid_by_a_retry(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    checkout_id = shopper.checkout((world.mug, 1))
    with no_place():
        answer = shopper.confirm(checkout_id, world)
    assert (answer.status_code, answer.json()["error"]) == (502, "BILLING_UNAVAILABLE")
    assert not billing.calls
    order_id = answer.json()["details"]["order"]["orderId"]
    assert shopper.post(f"/orders/{order_id}/retry-payment").status_code == 200
    assert PaymentAttempt.objects.get().number == 1
    check_books()


@pytest.mark.django_db(transaction=True)
def test_without_a_place_an_order_is_cancelled_without_billings_word(
    world: World, billing: BillingService, shopper: Shopper
) -> None:
    order = shopper.order(world)
    with no_place():
        cancel_order(order_id=order.id, actor="customer", now=now())
    assert Order.objects.get(pk=order.pk).status == "cancelled"
    assert not billing.calls["cancel"]
    check_books()

"""Of paying and cancelling at once exactly one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from billing_sandbox import services
from billing_sandbox.models import PaySession
from billing_sandbox.refusals import AlreadyPaid
from tests.billing_sandbox.conftest import RETURN_URL, Merchant, Shop, wait_for_webhooks

ROUNDS = 8
Act = Callable[[], bool]


def race(*acts: Act) -> list[bool]:
    """Runs the acts at the same moment, each on a connection of its own; says which of them won."""
    start = Barrier(len(acts))

    def run(act: Act) -> bool:
        start.wait(5)
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result() for future in [threads.submit(run, act) for act in acts]]


def paying(checkout_id: str) -> Act:
    """Presses the button; won if the payer is sent back to the merchant."""
    page = f"/billing/pay/{checkout_id}"
    return lambda: Client().post(page, {"action": "pay"})["Location"] == RETURN_URL


def cancelling(merchant: Merchant, checkout_id: str) -> Act:
    return lambda: merchant.cancel(checkout_id).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls("tests.billing_sandbox.urls")
def test_of_paying_and_cancelling_at_once_one_wins(merchant: Merchant, shop: Shop) -> None:
    for _ in range(ROUNDS):
        checkout_id = merchant.opened()
        paid, cancelled = race(paying(checkout_id), cancelling(merchant, checkout_id))
        assert [paid, cancelled].count(True) == 1
        assert PaySession.objects.get(pk=checkout_id).status == ("success" if paid else "timeout")
    wait_for_webhooks()
    assert len(shop.received) == ROUNDS


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls("tests.billing_sandbox.urls")
def test_without_the_lock_both_would_win(merchant: Merchant) -> None:
    """The negative control: the same race, the row read without a lock."""
    checkout_id, both_have_read = merchant.opened(), Barrier(2)

    def settle(status: str) -> bool:
        was_open = PaySession.objects.get(pk=checkout_id).is_open
        both_have_read.wait(5)
        now = timezone.now()
        paid_at = now if status == "success" else None
        PaySession.objects.filter(pk=checkout_id).update(status=status, settled_at=now, paid_at=paid_at)
        return was_open

    assert race(lambda: settle("success"), lambda: settle("timeout")) == [True, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls("tests.billing_sandbox.urls")
def test_refunds_at_once_never_exceed_what_was_paid(merchant: Merchant, shop: Shop) -> None:
    for _ in range(ROUNDS):
        checkout_id = merchant.opened(amount="10.00")
        Client().post(f"/billing/pay/{checkout_id}", {"action": "pay"})
        acts = [lambda paid=checkout_id: merchant.refund(paid, "4.00").status_code == 200] * 6
        assert race(*acts).count(True) == 2


@pytest.mark.django_db
@pytest.mark.urls("tests.billing_sandbox.urls")
def test_the_window_is_decided_by_its_end_and_not_by_who_looks(merchant: Merchant) -> None:
    checkout_id = UUID(merchant.opened())
    end = PaySession.objects.get().expires_at
    settled = services.settle(checkout_id=checkout_id, outcome=PaySession.Status.SUCCESS, now=end)
    assert settled.status == "timeout"
    assert not settled.was_cancelled


@pytest.mark.django_db
@pytest.mark.urls("tests.billing_sandbox.urls")
def test_cancelling_raises_once_paid(merchant: Merchant) -> None:
    checkout_id = UUID(merchant.opened())
    services.settle(checkout_id=checkout_id, outcome=PaySession.Status.SUCCESS, now=timezone.now())
    with pytest.raises(AlreadyPaid):
        services.cancel(checkout_id=checkout_id, now=timezone.now())

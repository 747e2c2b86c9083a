"""Billing is down, slow or lying while many pay at once: each of them is told in time, those who browse go on, and
every order can be paid when billing is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from orders.providers import calls
from tests.faults.load import Answer, FilledIn, Ledger, be_tracked, browse, fill_in, load, note_order, pay, told
from tests.faults.shop import RunningShop
from tests.faults.test_faults import NOBODY_WAITS_SECONDS, OUTAGE_SECONDS, all_is_kept, failed, slowest
from tests.promises.processes import LONG
from tests.world import together

log = logging.getLogger(__name__)
BUYERS = 24
"""More than web has threads."""
BESIDES_SECONDS = 3 if LONG else 6
"""What a request does besides waiting for billing; two dozen come at once, beside other tests on a busy machine."""
LIE = {"checkoutId": "pay_1", "orderId": "bill_1", "status": "open", "payUrl": "javascript:alert(1)"}
HANGING: dict[str, Any] = {"delay": 30}
SICK = [HANGING]
if LONG:
    SICK += [{"drip": 1}, {"down": True}, {"body": LIE}]
BROWSING = (browse, browse, be_tracked)


@contextmanager
def sick(shop: RunningShop, how: dict[str, Any]) -> Iterator[None]:
    """Billing, for the length of a `with` block."""
    shop.shop.billing.knob(**how)
    try:
        yield
    finally:
        shop.shop.billing.well()


def confirm_together(buyers: list[FilledIn]) -> list[Answer]:
    """All of them at once; their answers."""
    return together(len(buyers), lambda place: buyers[place].confirm())


def crowd(shop: RunningShop, ledger: Ledger, number: int = BUYERS) -> list[FilledIn]:
    """So many who only have to confirm."""
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _place: fill_in(shop.shop, ledger), range(number))
        return [buyer for buyer in found if buyer is not None]


def pay_later(buyer: FilledIn, told_then: Answer) -> None:
    """The order was named in the refusal; it has its window, and no attempt was used up for it."""
    order_id = note_order(buyer, told_then.body["details"]["order"])
    answer = buyer.shopper.call("retry", "POST", f"/orders/{order_id}/retry-payment")
    assert (answer.status, answer.body["data"]["paymentAttempts"]) == (200, 1), answer
    pay(buyer.shopper, order_id, answer.body["data"]["paymentUrl"])


def in_time(answers: list[Answer]) -> bool:
    """Whether nobody who pays waits for more than billing may take."""
    return slowest(answers) <= calls.LONGEST_SECONDS + BESIDES_SECONDS


@pytest.mark.parametrize("how", SICK, ids=str)
def test_while_billing_is_sick_two_dozen_pay_in_vain_and_everybody_else_goes_on(
    shop: RunningShop, how: dict[str, Any]
) -> None:
    came: list[tuple[FilledIn, Answer]] = []
    with load(shop.shop, BROWSING) as ledger:
        began = time.monotonic()
        while not came or (LONG and time.monotonic() < began + OUTAGE_SECONDS):
            buyers = crowd(shop, ledger)
            with sick(shop, how):
                came += zip(buyers, confirm_together(buyers), strict=True)
    log.info("billing %s: %s", how, told(ledger.answers))
    answers = [answer for _buyer, answer in came]
    assert len(answers) >= BUYERS
    assert {answer.status for answer in answers} == {502}
    assert {answer.body["error"] for answer in answers} == {"BILLING_UNAVAILABLE"}
    assert in_time(answers)
    others = [answer for answer in ledger.answers if answer.kind != "confirm"]
    assert not failed(others)
    assert slowest(others) <= NOBODY_WAITS_SECONDS, told(others)
    for buyer, answer in came:
        pay_later(buyer, answer)
    all_is_kept(shop, ledger)


@pytest.mark.skipif(not LONG, reason="half a minute: make promises")
def test_control_with_every_thread_at_billing_they_wait_for_each_other(careless: Callable[[str], RunningShop]) -> None:
    shop = careless("wait_for_billing")
    with load(shop.shop, BROWSING) as ledger:
        buyers = crowd(shop, ledger, BUYERS // 2)  # this web has half of the threads
        with sick(shop, HANGING):
            answers = confirm_together(buyers)
    others = [answer for answer in ledger.answers if answer.kind != "confirm"]
    assert not in_time(answers)
    assert slowest(others) > NOBODY_WAITS_SECONDS

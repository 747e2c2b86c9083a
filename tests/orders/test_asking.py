"""Many questions to billing at once: each answer when it comes, no more ahead than is asked soon."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Event

import httpx2
import pytest

from orders.models import PaymentAttempt
from orders.services.asking import AT_ONCE, LOT, ask_about, ask_each


def attempts(*names: object) -> list[PaymentAttempt]:
    """Attempts that are nowhere stored."""
    return [PaymentAttempt(billing_checkout_id=str(name)) for name in names]


async def echo(_session: httpx2.AsyncClient, attempt: PaymentAttempt) -> str:
    return attempt.billing_checkout_id


class Source:
    """Attempts to be taken, lot by lot; notes how many were taken before each answer."""

    def __init__(self, *lots: Sequence[PaymentAttempt]) -> None:
        self.lots = list(lots)
        self.taken = 0

    def take(self) -> Sequence[PaymentAttempt]:
        lot = self.lots.pop(0) if self.lots else ()
        self.taken += len(lot)
        return lot


def test_all_are_answered_each_with_its_own() -> None:
    source = Source(attempts(*range(50)), attempts(*range(50, 80)))
    found = [(attempt.billing_checkout_id, answer) for attempt, answer in ask_about(echo, source.take)]
    assert sorted(found) == sorted((str(n), str(n)) for n in range(80))


def test_an_answer_is_handed_over_while_others_are_waited_for() -> None:
    released = Event()

    async def work(_session: httpx2.AsyncClient, attempt: PaymentAttempt) -> None:
        while attempt.billing_checkout_id == "slow" and not released.is_set():
            await asyncio.sleep(0.001)

    answers = ask_about(work, Source(attempts("slow", "fast")).take)
    assert next(answers)[0].billing_checkout_id == "fast"
    released.set()
    assert next(answers)[0].billing_checkout_id == "slow"


def test_no_more_are_taken_ahead_than_are_asked_soon() -> None:
    source = Source(*[attempts(*range(LOT))] * 20)
    ahead = []
    for answered, _answer in enumerate(ask_about(echo, source.take)):
        ahead.append(source.taken - answered)
    assert max(ahead) <= AT_ONCE + LOT
    assert source.taken == 20 * LOT


def test_nothing_to_ask_about_asks_nothing() -> None:
    assert list(ask_about(echo, Source().take)) == []
    assert ask_each(echo, []) == []


def test_a_bug_in_the_work_is_not_swallowed() -> None:
    async def broken(_session: httpx2.AsyncClient, _attempt: PaymentAttempt) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        list(ask_about(broken, Source(attempts(1, 2)).take))


def test_results_of_a_few_come_in_their_order() -> None:
    async def later_first(_session: httpx2.AsyncClient, attempt: PaymentAttempt) -> str:
        await asyncio.sleep(0.02 if attempt.billing_checkout_id == "a" else 0)
        return attempt.billing_checkout_id

    asked = [PaymentAttempt(billing_checkout_id=name) for name in "ab"]
    assert ask_each(later_first, asked) == ["a", "b"]

"""Figures of how long things take, of all processes together."""

import os
from collections.abc import Iterator

import pytest

from core import measured
from core import redis as core_redis
from core.measured import BILLING, JOBS, KEPT, Lookups, hand_over, looked_up, lookups, observe, series

LABELS = ("poll", "answered")


@pytest.fixture(autouse=True)
def nothing_noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(measured, "EVERY_SECONDS", float("inf"))
    measured.sums.take()
    core_redis.client().delete(measured.KEY)
    yield
    measured.sums.take()


def counts() -> dict[tuple[str, ...], tuple[int, float]]:
    return {found.labels: (sum(found.counts), found.seconds) for found in series()}


def test_what_was_noted_is_told_with_its_seconds() -> None:
    observe(BILLING, LABELS, 0.25)
    observe(BILLING, LABELS, 0.5)
    assert counts() == {LABELS: (2, 0.75)}


@pytest.mark.parametrize(("seconds", "place"), [(0.001, 0), (0.005, 0), (0.006, 1), (10, 10), (11, 11)])
def test_each_falls_into_the_first_bucket_that_is_large_enough(seconds: float, place: int) -> None:
    observe(BILLING, LABELS, seconds)
    (found,) = series()
    assert [number for number, count in enumerate(found.counts) if count] == [place]


def test_figures_of_several_processes_add_up() -> None:
    observe(BILLING, LABELS, 1)
    hand_over()
    observe(BILLING, LABELS, 2)
    assert counts() == {LABELS: (2, 3)}


def test_kinds_are_told_apart() -> None:
    observe(BILLING, LABELS, 1)
    observe(JOBS, LABELS, 1)
    assert [found.kind.name for found in series()] == [BILLING.name, JOBS.name]


def test_once_in_a_few_seconds_it_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    observe(BILLING, LABELS, 1)
    assert not core_redis.client().exists(measured.KEY)
    monkeypatch.setattr(measured, "EVERY_SECONDS", 0)
    observe(BILLING, LABELS, 1)
    assert core_redis.client().hlen(measured.KEY) == 2


def test_while_redis_is_away_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    observe(BILLING, LABELS, 1)
    with monkeypatch.context() as away:
        away.setattr(core_redis.breaker, "closed_after", float("inf"))
        hand_over()
    observe(BILLING, LABELS, 1)
    assert counts() == {LABELS: (2, 2)}


def test_a_child_does_not_hand_over_what_is_its_parents() -> None:
    observe(BILLING, LABELS, 1)
    child = os.fork()
    if not child:
        os._exit(len(measured.sums.noted))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert counts() == {LABELS: (1, 1)}


def test_what_caches_had_and_had_not_adds_up() -> None:
    looked_up("orders", found=3, missed=1)
    hand_over()
    looked_up("orders", found=2)
    looked_up("stats", missed=1)
    assert lookups() == {"orders": Lookups(5, 1), "stats": Lookups(0, 1)}


def test_what_is_only_counted_takes_no_time() -> None:
    looked_up("orders", found=3)
    ((kind, seconds),) = [(found.kind, found.seconds) for found in series()]
    assert (kind, seconds) == (KEPT, 0)

"""One works an answer out, the others take it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import measured, single_flight
from core import redis as core_redis
from core.measured import Lookups
from core.single_flight import once


class Work:
    """Something to work out, which says how often it was."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds, self.times = seconds, 0

    def __call__(self) -> int:
        self.times += 1
        time.sleep(self.seconds)
        return self.times


def forget_claim(name: str) -> None:
    """The answer's time is over."""
    (key,) = core_redis.client().keys(f"once:*:{name}:claim")
    core_redis.client().delete(key)


def test_of_many_who_ask_at_once_one_works_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "PATIENCE_SECONDS", 30)
    work = Work(seconds=0.1)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _number: once("sum", work, seconds=5), range(8)))
    assert (answers, work.times) == ([1] * 8, 1)


def test_another_name_is_another_answer() -> None:
    work = Work()
    assert [once("one", work, seconds=5), once("two", work, seconds=5)] == [1, 2]


def test_an_answer_is_worked_out_anew_when_its_time_is_over() -> None:
    work = Work()
    once("sum", work, seconds=5)
    forget_claim("sum")
    assert once("sum", work, seconds=5) == 2


def test_the_old_answer_is_told_while_somebody_works_out_the_next() -> None:
    work = Work()
    once("sum", work, seconds=5)
    forget_claim("sum")

    def slow() -> int:
        assert once("sum", work, seconds=5) == 1
        return 7

    assert (once("sum", slow, seconds=5), work.times) == (7, 1)


def test_what_takes_long_is_kept_longer() -> None:
    once("sum", Work(seconds=0.05), seconds=0.01)
    (key,) = core_redis.client().keys("once:*:claim")
    assert core_redis.client().pttl(key) > 1000


def test_who_waits_in_vain_works_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "PATIENCE_SECONDS", 0.05)
    work = Work()

    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once("sum", broken, seconds=5)
    assert once("sum", work, seconds=5) == 1


def test_without_redis_everybody_works_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    work = Work()
    assert [once("sum", work, seconds=5) for _ in range(2)] == [1, 2]


def test_how_often_it_was_kept_is_counted_by_kind() -> None:
    for name in ("figures:of today", "figures:of today", "figures:of yesterday"):
        once(name, Work(), seconds=5)
    assert measured.lookups()["figures"] == Lookups(found=1, missed=2)

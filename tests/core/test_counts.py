"""How often something happened, by day, as long as Redis is there."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from core import counts
from core import redis as core_redis
from core.redis import RedisAwayError

NOW = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)


def test_they_are_kept_by_day_the_newest_first() -> None:
    for name in ("stale", "stale", "altered"):
        counts.count("webhooks", name, now=NOW)
    counts.count("webhooks", "stale", now=NOW + timedelta(minutes=2))
    counts.count("others", "stale", now=NOW)
    found = counts.counts("webhooks", now=NOW + timedelta(minutes=2))
    assert list(found.items()) == [("2026-03-11", {"stale": 1}), ("2026-03-10", {"altered": 1, "stale": 2})]


def test_after_8_days_they_are_gone() -> None:
    counts.count("webhooks", "stale", now=NOW)
    assert 0 < core_redis.client().ttl(counts.key_of("webhooks", NOW.date())) <= 8 * 24 * 3600
    assert counts.counts("webhooks", now=NOW + timedelta(days=8)) == {}


def test_a_count_says_the_how_manieth_it_is() -> None:
    assert [counts.count("webhooks", "stale", now=NOW) for _ in range(3)] == [1, 2, 3]


def test_a_note_counts_and_is_said_at_the_first_and_the_tenth(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("core.counts")
    with caplog.at_level(logging.WARNING, "core.counts"):
        for _ in range(11):
            counts.note(log, "webhooks", "stale", "a webhook is stale", now=NOW)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["a webhook is stale (1 of today)", "a webhook is stale (10 of today)"]


def test_with_redis_away_each_note_is_said(caplog: pytest.LogCaptureFixture) -> None:
    core_redis.breaker.closed_after = float("inf")
    with caplog.at_level(logging.WARNING, "core.counts"):
        for _ in range(2):
            counts.note(logging.getLogger("core.counts"), "webhooks", "stale", "a webhook is stale", now=NOW)
    assert [record.getMessage() for record in caplog.records] == ["a webhook is stale (? of today)"] * 2


def test_with_redis_away_nothing_is_counted() -> None:
    core_redis.breaker.closed_after = float("inf")
    assert counts.count("webhooks", "stale", now=NOW) is None
    with pytest.raises(RedisAwayError):
        counts.counts("webhooks", now=NOW)


@pytest.mark.parametrize(
    ("number", "worth"), [(1, True), (2, False), (10, True), (20, False), (100, True), (101, False), (None, True)]
)
def test_what_is_worth_a_line_in_the_log(number: int | None, worth: bool) -> None:
    assert counts.is_worth_a_line(number) is worth

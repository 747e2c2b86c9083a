"""Of 200 requests at once exactly as many pass as the limit says; with Redis, and without it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from core import limits
from core import redis as core_redis
from core.limits import counting, fallback, windows
from core.limits.counted import Counted
from core.limits.policies import Counter
from core.models import LimitWindow
from tests.core.limited import HERE, Caller, count_request, limit
from tests.world import together

pytestmark = pytest.mark.django_db(transaction=True)
MANY, ALLOWED = 200, 50


@pytest.fixture(autouse=True)
def patience(settings: LazySettings) -> None:
    """So many threads of one process may keep each other waiting longer than a shop waits for Redis."""
    settings.REDIS_TIMEOUT_SECONDS = 10


def pass_of_many() -> int:
    """How many of many requests at once are not refused."""

    def ask(_place: int) -> bool:
        counted = count_request(RequestFactory().get("/", REMOTE_ADDR=HERE), "general", "coupon")
        return counted is None or not counted.refused

    return together(MANY, ask).count(True)


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))


def test_of_200_at_once_exactly_the_limit_passes(settings: LazySettings, caplog: pytest.LogCaptureFixture) -> None:
    limit(settings, coupon=f"{ALLOWED}/minute")
    assert pass_of_many() == ALLOWED
    today = next(iter(limits.refusals(now=datetime.now(UTC)).values()))
    assert today == {"coupon": {"": MANY - ALLOWED}}
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_of_200_at_once_exactly_the_general_limit_passes(settings: LazySettings) -> None:
    limit(settings, general=f"{ALLOWED}/minute", coupon="1000/minute")
    assert pass_of_many() == ALLOWED


def test_control_read_and_then_written_more_pass(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(counters: Sequence[Counter], *, endpoint: str, now: datetime) -> list[Counted]:
        key, client = counters[-1].key, core_redis.client()
        used = int(client.get(key) or 0) + 1
        time.sleep(0.02)
        client.set(key, used)
        return [Counted(counters[-1].policy, used, 60.0)]

    limit(settings, coupon=f"{ALLOWED}/minute")
    monkeypatch.setattr(windows, "count", careless)
    assert pass_of_many() > ALLOWED


@pytest.mark.usefixtures("crowd")
def test_over_http_exactly_the_limit_passes(settings: LazySettings) -> None:
    limit(settings, initiate="20/5minute")
    answers = together(60, lambda _place: Caller().initiate().status_code)
    assert (answers.count(400), answers.count(429)) == (20, 40)


@pytest.mark.usefixtures("crowd", "redis_away")
def test_without_redis_exactly_the_limit_passes(settings: LazySettings, caplog: pytest.LogCaptureFixture) -> None:
    limit(settings, coupon=f"{ALLOWED}/minute")
    assert pass_of_many() == ALLOWED
    assert LimitWindow.objects.get().used == MANY
    assert len([record for record in caplog.records if record.name == "core.limits.counting"]) == 1


@pytest.mark.usefixtures("crowd", "redis_away")
def test_control_without_redis_read_and_then_written_more_pass(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(counter: Counter) -> Counted:
        held = LimitWindow.objects.filter(key="x").first()
        used = (held.used if held else 0) + 1
        time.sleep(0.02)
        LimitWindow.objects.update_or_create(key="x", defaults={"used": used, "ends_at": datetime.now(UTC)})
        return Counted(counter.policy, used, 60.0)

    limit(settings, coupon=f"{ALLOWED}/minute")
    monkeypatch.setattr(fallback, "count", careless)
    assert pass_of_many() > ALLOWED


@pytest.mark.usefixtures("crowd", "redis_away")
def test_control_without_redis_and_postgresql_all_would_pass(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(settings, coupon=f"{ALLOWED}/minute")
    monkeypatch.setattr(counting, "KEPT_WITHOUT_REDIS", frozenset())
    assert pass_of_many() == MANY

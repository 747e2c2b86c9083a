"""What `cache_stats` says of Redis and of whom limits refused."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from core import counts, limits, measured
from core import redis as core_redis
from core.limits import windows
from core.redis_stats import server
from tests.core.limited import INITIATE, PRODUCTS, Caller, limit

LOGIN = "/api/v1/storefront/auth/login"
pytestmark = pytest.mark.django_db


def printed(*options: str) -> str:
    stdout = StringIO()
    call_command("cache_stats", *options, stdout=stdout)
    return stdout.getvalue()


def stats() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed("--json"))
    return found


def refuse(settings: LazySettings, times: int) -> str:
    """So many requests are refused; the day."""
    limit(settings, initiate="1/5minute")
    for _ in range(times + 1):
        Caller().initiate()
    return f"{datetime.now(UTC):%Y-%m-%d}"


def test_refusals_by_day_limit_and_endpoint(settings: LazySettings) -> None:
    today = refuse(settings, 3)
    limit(settings, general="1/minute")
    Caller().get()
    assert stats()["refusals"] == {today: {"general": {PRODUCTS: 1}, "initiate": {INITIATE: 3}}}


def test_refusals_are_told_by_route_whatever_the_path_holds(settings: LazySettings) -> None:
    limit(settings, general="1/minute")
    for slug in ("mug", "tea", "lamp", "anything-else"):
        Caller().get(f"{PRODUCTS}/{slug}")
    (day,) = stats()["refusals"].values()
    assert day == {"general": {f"{PRODUCTS}/<str:slug_or_id>": 3}}


def test_what_a_service_counts_is_told_by_its_endpoint(settings: LazySettings) -> None:
    limit(settings, login_email="1/minute")
    for _ in range(2):
        Caller().post(LOGIN, {"email": "ada@example.com", "password": "guess"})
    (day,) = stats()["refusals"].values()
    assert day == {"login_email": {LOGIN: 1}}


def test_refusals_of_earlier_days_come_after_todays_and_old_ones_are_gone(settings: LazySettings) -> None:
    now = datetime.now(UTC)
    today = refuse(settings, 1)
    for ago in (1, 20):
        core_redis.client().hset(windows.refusals_key(now.date() - timedelta(days=ago)), f"coupon {INITIATE}", 7)
    assert list(limits.refusals(now=now).items()) == [
        (today, {"initiate": {INITIATE: 1}}),
        (f"{now - timedelta(days=1):%Y-%m-%d}", {"coupon": {INITIATE: 7}}),
    ]


def test_what_was_of_no_use_by_kind_and_day() -> None:
    now = datetime.now(UTC)
    for _ in range(2):
        counts.count("webhooks", "stale", now=now)
    found = stats()["counts"]
    assert (found["webhooks"], found["billing"]) == ({f"{now:%Y-%m-%d}": {"stale": 2}}, {})
    assert all(word in printed() for word in ("Webhooks", "stale"))


def test_people_see_a_table(settings: LazySettings) -> None:
    today = refuse(settings, 2)
    text = printed()
    assert all(word in text for word in (today, "initiate", INITIATE, "Look-ups that found something"))


def test_an_empty_shop_has_figures_too() -> None:
    found = stats()
    assert found["refusals"] == {}
    assert found["keys"]["total"] == 0
    assert "none" in printed()


def test_how_often_redis_finds_what_it_is_asked_for() -> None:
    before = server()
    core_redis.client().set("cache:here", "x")
    for name in ("here", "here", "away"):
        core_redis.client().get(f"cache:{name}")
    first, after, last = core_redis.client().info("stats"), server(), core_redis.client().info("stats")
    assert after.hits - before.hits >= 2  # the server is asked by tests beside this one, too
    assert after.misses - before.misses >= 1
    assert first["keyspace_hits"] <= after.hits <= last["keyspace_hits"]
    assert first["keyspace_misses"] <= after.misses <= last["keyspace_misses"]
    assert stats()["server"]["hits"] >= after.hits


def test_keys_of_limits_are_told_with_their_memory(settings: LazySettings) -> None:
    refuse(settings, 1)
    (prefix,) = [each for each in stats()["keys"]["prefixes"] if each["name"] == "limit"]
    assert prefix["keys"] == 3
    assert prefix["bytes"] > 0


def test_without_redis_it_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    with pytest.raises(CommandError, match="Redis is away") as caught:
        printed("--json")
    assert caught.value.returncode == 1


def test_it_tells_how_often_each_cache_had_the_answer() -> None:
    measured.looked_up("a cache", found=3, missed=1)
    assert stats()["caches"]["a cache"] == {"hits": 3, "misses": 1}
    assert "75.0%" in printed()

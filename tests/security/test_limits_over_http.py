"""Of many requests at once to a real web process exactly as many pass as the limit says; also when Redis was killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.promises.processes import LONG
from tests.redis_server import RedisServer, own_redis
from tests.security.web import Web, web
from tests.world import together

pytestmark = pytest.mark.django_db(transaction=True)
MANY, ALLOWED = (200, 50) if LONG else (200, 20)
LIMITED = ("coupon", "confirm", "login", "order_lookup")
SETTINGS = {f"RATE_LIMIT_{name.upper()}": f"{ALLOWED}/hour" for name in LIMITED} | {
    "RATE_LIMIT_GENERAL": "100000/hour",
    "RATE_LIMIT_ALLOWLIST": "",
    "TRUSTED_PROXY_COUNT": "0",
}
API = "/api/v1"


@pytest.fixture
def server(settings: LazySettings) -> Iterator[RedisServer]:
    with own_redis(settings) as own:
        yield own


def one(shop: Web, name: str, place: int) -> int:
    """One request that tries something out, each from another address if its header were believed."""
    rotating = {"x-forwarded-for": f"192.0.2.{place}", "x-real-ip": f"192.0.2.{place}"}
    match name:
        case "login":
            body = {"email": f"somebody{place}@example.com", "password": "a-wrong-horse-55"}
            return shop.ask("POST", f"{API}/storefront/auth/login", body, **rotating)
        case "order_lookup":
            path = f"{API}/orders/00000000-0000-0000-0000-000000000000"
            return shop.ask("GET", path, **rotating, **{"x-order-token": f"guess{place}"})
    path = {"coupon": "apply-coupon", "confirm": "confirm-order"}[name]
    return shop.ask("POST", f"{API}/checkout/{path}", {}, **rotating)


def passed(shop: Web, name: str) -> int:
    """How many of many at once were not refused. Nothing went wrong with any."""
    statuses = together(MANY, lambda place: one(shop, name, place), seconds=200)
    assert set(statuses) <= {400, 401, 404, 429}, set(statuses)
    return MANY - statuses.count(429)


def browsed(shop: Web) -> list[int]:
    return [shop.ask("GET", f"{API}/storefront/products") for _view in range(5)]


def test_exactly_the_limit_passes_and_so_it_does_once_redis_is_killed(server: RedisServer, tmp_path: Path) -> None:
    with web(tmp_path, SETTINGS) as shop:
        with_redis = {name: passed(shop, name) for name in (LIMITED if LONG else ("coupon",))}
        server.kill()
        without = {name: passed(shop, name) for name in LIMITED}
        views = browsed(shop)
    assert set(with_redis.values()) == {ALLOWED}, with_redis
    assert set(without.values()) == {ALLOWED}, without
    assert views == [200] * 5


@pytest.mark.skipif(not LONG, reason="the same without a web process: tests/core/test_limits_races.py")
def test_the_control_counted_carelessly_more_pass(server: RedisServer, tmp_path: Path) -> None:
    with web(tmp_path, SETTINGS, "tests.security.careless") as shop:
        with_redis = passed(shop, "coupon")
        server.kill()
        without = passed(shop, "coupon")
    assert with_redis > ALLOWED
    assert without == MANY

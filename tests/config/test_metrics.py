"""What Prometheus reads."""

import pytest
from django.conf import LazySettings
from django.test import Client

from core import counts
from core import redis as core_redis
from core.clock import now
from tests.core.limited import Caller, limit

METRICS = "/metrics"


def lines(client: Client) -> list[str]:
    answer = client.get(METRICS)
    assert answer.status_code == 200
    return answer.content.decode().splitlines()


@pytest.mark.django_db
def test_it_tells_how_many_requests_each_limit_refused_where(client: Client, settings: LazySettings) -> None:
    limit(settings, initiate="1/minute")
    assert [Caller().initiate().status_code for _ in range(3)] == [400, 429, 429]
    said = 'footfall_requests_refused_total{endpoint="/api/v1/checkout/initiate",limit="initiate"} 2.0'
    assert said in lines(client)


def test_it_tells_what_else_is_counted(client: Client) -> None:
    counts.count("webhooks", "unsigned", now=now())
    assert 'footfall_counted_total{kind="webhooks",name="unsigned"} 1.0' in lines(client)


def test_for_other_addresses_there_is_no_such_page(client: Client, settings: LazySettings) -> None:
    settings.METRICS_ALLOWLIST = ["10.0.0.0/8"]
    assert client.get(METRICS, REMOTE_ADDR="127.0.0.1").status_code == 404
    assert client.get(METRICS, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_what_a_stranger_says_of_their_address_does_not_count(client: Client, settings: LazySettings) -> None:
    settings.METRICS_ALLOWLIST = ["10.0.0.0/8"]
    assert client.get(METRICS, headers={"x-forwarded-for": "10.1.2.3"}).status_code == 404


def test_without_redis_it_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    assert lines(client)[-1] == "footfall_redis_up 0.0"

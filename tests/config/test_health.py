"""What an orchestrator and people are told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from redis import Redis

from analytics.models import RealtimeMetrics
from config.queues import lengths
from config.settings import broker_url
from core import redis as core_redis
from core.clock import now
from tests.factories import UserFactory
from tests.promises.processes import queues_address

pytestmark = pytest.mark.django_db
HEALTH = "/api/v1/health"


def jobs_ran(minutes_ago: int) -> None:
    RealtimeMetrics.objects.create(minute=now() - timedelta(minutes=minutes_ago))


def test_a_shop_whose_jobs_run_is_ok(client: Client) -> None:
    jobs_ran(1)
    assert client.get(HEALTH).json()["status"] == "ok"


def test_late_jobs_degrade_it(client: Client) -> None:
    jobs_ran(4)
    assert client.get(HEALTH).json()["status"] == "degraded"


@pytest.mark.parametrize("spelled", [str, broker_url])
@pytest.mark.parametrize("apart", [False, True])
def test_a_long_queue_degrades_it_wherever_the_queues_are(
    client: Client, settings: LazySettings, *, apart: bool, spelled: Callable[[str], str]
) -> None:
    jobs_ran(1)
    address = queues_address() if apart else settings.REDIS_URL
    settings.QUEUES_URL = spelled(address)
    with Redis.from_url(address) as queues:
        queues.rpush("payments", *range(100))
        try:
            assert client.get(HEALTH).json()["status"] == "degraded"
        finally:
            queues.delete("payments")


def test_of_a_broker_that_is_no_redis_nothing_is_told(settings: LazySettings) -> None:
    settings.QUEUES_URL = "amqp://broker.example.com"
    assert lengths(["payments"]) == {}


def test_without_redis_it_is_degraded_but_serves(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs_ran(1)
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    answer = client.get(HEALTH)
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_details_are_for_staff(client: Client) -> None:
    assert "checks" not in client.get(HEALTH).json()
    client.force_login(UserFactory(is_staff=True))
    assert client.get(HEALTH).json()["checks"]["database"] == "ok"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_an_orchestrator_is_told_ok(client: Client, path: str) -> None:
    assert (client.get(path).status_code, client.get(path).content) == (200, b"ok")

"""What an orchestrator and people are told."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django_celery_beat.models import PeriodicTask

from config import health
from config.health import QUEUES
from config.schedule import sync_schedule
from core import heartbeats
from core import redis as core_redis
from core.clock import now
from core.heartbeats import BEAT
from orders.providers import lately
from sessions_app import services
from sessions_app.events import Event, Source
from sessions_app.services import Arrival
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
HEALTH = "/api/v1/health"
ALL = ["beat", "billing", "database", "redis", "worker"]


def heard(names: Collection[str], seconds_ago: float = 1) -> None:
    """These were heard of so long ago."""
    heartbeats.note(names, now=now() - timedelta(seconds=seconds_ago))


@pytest.fixture
def alive() -> None:
    """Everybody is at work."""
    heard([BEAT, *QUEUES])


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True))
    return client


def told(staff: Client) -> dict[str, Any]:
    """What staff are told."""
    answer = staff.get(HEALTH)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def failing(staff: Client) -> list[str]:
    return [name for name, word in told(staff)["checks"].items() if word == "failing"]


@pytest.mark.usefixtures("alive")
def test_a_shop_where_everybody_is_at_work_is_ok(staff: Client) -> None:
    body = told(staff)
    assert (body["status"], body["problems"]) == ("ok", [])
    assert body["checks"] == dict.fromkeys(ALL, "ok")


@pytest.mark.usefixtures("alive")
def test_details_are_for_staff(client: Client) -> None:
    assert set(client.get(HEALTH).json()) == {"status", "timestamp", "version"}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_whose_workers_do_nothing_is_named(staff: Client, queue: str) -> None:
    heard([queue], seconds_ago=90)
    assert failing(staff) == ["worker"]
    (problem,) = told(staff)["problems"]
    assert problem.startswith(f"the workers of {queue} have done nothing for ")


@pytest.mark.usefixtures("alive")
def test_a_beat_that_sends_nothing_is_no_fault_of_the_workers(staff: Client) -> None:
    heard([BEAT, *QUEUES], seconds_ago=90)
    assert failing(staff) == ["beat"]


def test_a_beat_that_was_never_heard_of_is_failing(staff: Client) -> None:
    assert failing(staff) == ["beat"]
    assert told(staff)["problems"] == ["beat has sent nothing yet"]


def test_so_are_workers_that_never_were(staff: Client) -> None:
    heard([BEAT])
    assert failing(staff) == ["worker"]
    assert "the workers of payments have done nothing yet" in told(staff)["problems"]


@pytest.mark.usefixtures("alive")
def test_jobs_that_were_not_sent_are_named(staff: Client) -> None:
    sync_schedule()
    PeriodicTask.objects.update(last_run_at=now())
    PeriodicTask.objects.filter(name="expire_orders").update(last_run_at=now() - timedelta(minutes=11))
    assert failing(staff) == ["beat"]
    assert told(staff)["problems"] == ["expire_orders was due 10 minutes ago"]


@pytest.mark.usefixtures("alive")
def test_events_that_are_not_stored_are_the_workers(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at = now()
    begun = services.begin(arrival=Arrival(ip="203.0.113.9", user_agent="Firefox", consent="unknown"), now=at)
    services.open_session(begun, events=[Event("page_view", Source.SCRIPT, at, page="/")], now=at)
    assert failing(staff) == []
    monkeypatch.setattr(health, "STREAM_LAG", timedelta(0))
    assert failing(staff) == ["worker"]


def called(*, asked: int, failed: int, minutes_ago: int = 1) -> None:
    """Billing was called so often."""
    for what, times in (("asked", asked), ("failed", failed)):
        for _ in range(times):
            lately.note(what, now=now() - timedelta(minutes=minutes_ago))  # type: ignore[arg-type] # one of the two


@pytest.mark.usefixtures("alive")
def test_billing_is_failing_when_its_latest_calls_came_to_nothing(staff: Client) -> None:
    called(asked=4, failed=3)
    assert failing(staff) == ["billing"]
    assert told(staff)["problems"] == ["3 of the latest 4 calls to billing came to nothing"]


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(("asked", "failed", "minutes_ago"), [(20, 2, 1), (4, 4, 7)], ids=["a tenth", "long ago"])
def test_billing_is_ok_again_when_it_answers(staff: Client, asked: int, failed: int, minutes_ago: int) -> None:
    called(asked=asked, failed=failed, minutes_ago=minutes_ago)
    assert failing(staff) == []


@pytest.mark.usefixtures("alive")
def test_billing_without_its_keys_is_failing(staff: Client, settings: LazySettings) -> None:
    settings.BILLING_API_KEY = ""
    assert failing(staff) == ["billing"]


@pytest.mark.usefixtures("alive")
def test_without_redis_it_serves_and_what_only_redis_knows_is_unknown(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    body = told(staff)
    unknown = dict.fromkeys(("worker", "beat", "billing"), "unknown")
    assert (body["status"], body["checks"]) == ("degraded", {"database": "ok", "redis": "failing"} | unknown)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_an_orchestrator_is_told_ok(client: Client, path: str) -> None:
    assert (client.get(path).status_code, client.get(path).content) == (200, b"ok")


def test_no_requests_are_asked_for_before_the_tables_of_this_release_are_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.tables, "found", False)
    MigrationRecorder.Migration.objects.filter(app="core", name="0003_mail_texts").delete()
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def test_and_once_they_are_nobody_looks_again(client: Client, django_assert_num_queries: Any) -> None:
    client.get("/readyz")
    with django_assert_num_queries(1):
        assert client.get("/readyz").status_code == 200

"""What Prometheus reads."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client
from django_celery_beat.models import PeriodicTask

from config import tasks
from config.lanes import LanesHandler
from config.metrics import state
from config.schedule import SCHEDULE, sync_schedule
from core import counts, measured, successes
from core import redis as core_redis
from core.clock import now
from core.models import Mail
from orders.services import poll_billing
from sessions_app import tasks as salts
from tests.billing_server import BillingService
from tests.core.limited import Caller, limit
from tests.factories import PaymentAttemptFactory
from tests.world import Shopper, World

METRICS = "/metrics"
FAILED = 'footfall_job_seconds_count{outcome="failure",task="config.tasks.cleanup"}'
SALT = "sessions_app.tasks.rotate_visitor_salt"


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


@pytest.mark.django_db
def test_it_tells_what_else_is_counted(client: Client) -> None:
    counts.count("webhooks", "unsigned", now=now())
    assert 'footfall_counted_total{kind="webhooks",name="unsigned"} 1.0' in lines(client)


@pytest.mark.django_db
def test_for_other_addresses_there_is_no_such_page(client: Client, settings: LazySettings) -> None:
    settings.METRICS_ALLOWLIST = ["10.0.0.0/8"]
    assert client.get(METRICS, REMOTE_ADDR="127.0.0.1").status_code == 404
    assert client.get(METRICS, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_what_a_stranger_says_of_their_address_does_not_count(client: Client, settings: LazySettings) -> None:
    settings.METRICS_ALLOWLIST = ["10.0.0.0/8"]
    assert client.get(METRICS, headers={"x-forwarded-for": "10.1.2.3"}).status_code == 404


@pytest.mark.django_db
def test_without_redis_it_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_redis.breaker, "closed_after", float("inf"))
    assert lines(client)[-1] == "footfall_redis_up 0.0"


def wsgi(path: str, method: str = "GET") -> str:
    """Asks the web process's own handler; its status."""
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    said: list[str] = []

    def start(status: str, headers: object, problem: object = None) -> Callable[[bytes], None]:
        said.append(status)
        return lambda body: None

    b"".join(LanesHandler()(environ, start))
    return said[0]


@pytest.mark.django_db(transaction=True)  # the web process gives its connections back
@pytest.mark.parametrize(
    ("path", "method", "labels"),
    [
        ("/api/v1/storefront/products", "GET", ("GET", "api/v1/storefront/products", "200")),
        ("/api/v1/orders/0197a2c0-0000-7000-8000-000000000000", "GET", ("GET", "api/v1/orders/<uuid:order_id>", "404")),
        ("/livez", "GET", ("GET", "livez", "200")),
        ("/nothing/here", "GET", ("GET", "none", "404")),
        ("/livez", "BREW", ("other", "livez", "200")),
    ],
)
def test_requests_are_measured_by_what_was_asked_for(path: str, method: str, labels: tuple[str, ...]) -> None:
    measured.sums.take()
    core_redis.client().delete(measured.KEY)
    wsgi(path, method)
    assert [(found.labels, sum(found.counts)) for found in measured.series()] == [(labels, 1)]


@pytest.mark.django_db
def test_a_job_is_measured_with_its_end(client: Client) -> None:
    tasks.cleanup.apply()
    assert 'footfall_job_seconds_count{outcome="success",task="config.tasks.cleanup"}' in "\n".join(lines(client))


@pytest.mark.django_db
def test_a_job_that_fails_is_measured_as_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_more: object) -> None:
        raise ValueError

    monkeypatch.setattr("config.retention.cleanup", fails)
    before = figure(client, FAILED)
    tasks.cleanup.apply()
    assert figure(client, FAILED) == before + 1


@pytest.mark.django_db
@pytest.mark.parametrize(("knobs", "outcome"), [({}, "answered"), ({"status": 500}, "server_error")])
def test_calls_to_billing_are_measured_with_their_end(
    knobs: dict[str, Any], outcome: str, client: Client, world: World, billing: BillingService, shopper: Shopper
) -> None:
    shopper.order(world)
    billing.knob("get", **knobs)
    name = f'footfall_billing_seconds_count{{call="poll",outcome="{outcome}"}}'
    before = figure(client, name)
    poll_billing(now=now() + timedelta(seconds=6))
    assert figure(client, name) == before + 1


@pytest.mark.django_db
def test_it_tells_how_often_each_cache_had_the_answer(client: Client) -> None:
    had = 'footfall_cache_lookups_total{cache="a cache",found="yes"}'
    before = figure(client, had)
    measured.looked_up("a cache", found=2, missed=1)
    assert figure(client, had) == before + 2


def figure(client: Client, name: str) -> float:
    """A figure that is told; 0 while it is not."""
    return next((float(line.removeprefix(name)) for line in lines(client) if line.startswith(name)), 0.0)


def undone(client: Client, job: str) -> float:
    """For how many seconds a job has not ended well though it should have."""
    name = f'footfall_job_undone_seconds{{task="{job}"}}'
    assert name in "\n".join(lines(client))
    return figure(client, name)


@pytest.mark.django_db
def test_a_job_that_runs_seldom_and_fails_is_undone_until_it_ends_well(client: Client) -> None:
    sync_schedule()
    successes.note(SALT, now=now() - timedelta(hours=3))
    assert 2 * 3600 - 60 < undone(client, "rotate_visitor_salt") <= 3 * 3600
    salts.rotate_visitor_salt.apply()
    assert undone(client, "rotate_visitor_salt") == 0


@pytest.mark.django_db
def test_a_run_that_fails_does_not_count_as_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_more: object) -> None:
        raise ValueError

    sync_schedule()
    monkeypatch.setattr("sessions_app.salts.destroy_old", fails)
    successes.note(SALT, now=now() - timedelta(hours=3))
    salts.rotate_visitor_salt.apply()
    assert undone(client, "rotate_visitor_salt") > 3600


@pytest.mark.django_db
def test_a_job_that_never_ran_counts_from_when_it_was_first_asked_about(client: Client) -> None:
    sync_schedule()
    assert undone(client, "send_weekly_reports") == 0


@pytest.mark.django_db
def test_a_job_that_is_switched_on_again_counts_from_then(client: Client) -> None:
    sync_schedule()
    successes.note(SALT, now=now() - timedelta(days=9))
    PeriodicTask.objects.filter(task=SALT).update(enabled=False)
    assert "rotate_visitor_salt" not in "\n".join(line for line in lines(client) if "undone" in line)
    PeriodicTask.objects.filter(task=SALT).update(enabled=True)
    assert undone(client, "rotate_visitor_salt") == 0


@pytest.mark.django_db
def test_it_tells_what_waits(client: Client) -> None:
    Mail.objects.create(kind="paid", recipient="a@example.com", next_attempt_at=now())
    PaymentAttemptFactory(next_poll_at=now(), opened_at=now() - timedelta(seconds=100))
    told = lines(client)
    assert 'footfall_mails{status="waiting"} 1.0' in told
    assert "footfall_payment_attempts_open 1.0" in told
    (age,) = [line for line in told if line.startswith("footfall_payment_attempt_oldest_seconds ")]
    assert float(age.split()[1]) >= 100


@pytest.mark.django_db
def test_every_job_is_told_of_on_time_or_late(client: Client) -> None:
    told = [line for line in lines(client) if line.startswith("footfall_job_late_seconds{")]
    assert len(told) == len(SCHEDULE)


@pytest.mark.django_db
def test_without_postgresql_it_says_so_and_tells_the_rest(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_now: datetime) -> dict[Any, float]:
        raise OperationalError

    monkeypatch.setattr(state, "IN_POSTGRESQL", (state.Gauge("footfall_any", "", away),))
    told = lines(client)
    assert "footfall_database_up 0.0" in told
    assert "footfall_ingest_entries 0.0" in told

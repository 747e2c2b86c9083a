"""Who is heard of: beat when it sends, workers by the queues whose jobs they do."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.beat import SchedulingError
from django_celery_beat.models import PeriodicTask
from kombu import Connection

from config.beat import Entry, Scheduler
from config.celery import app
from config.schedule import sync_schedule
from config.settings import broker_url
from core import heartbeats
from core import redis as core_redis
from core.clock import now
from core.heartbeats import BEAT
from tests.promises.crew import empty_queues
from tests.promises.processes import Running, queues_address, until

pytestmark = pytest.mark.django_db(transaction=True)
LASTS = "lively.last"
"""A job, and the key that it needs to go on."""
LOOKS = 0.5
"""Seconds in which the worker looks around several times."""


def is_heard(name: str) -> bool:
    return heartbeats.ages([name], now=now())[name] < math.inf


def forget() -> None:
    """Nobody was ever heard of."""
    core_redis.client().delete(heartbeats.KEY)


def beat_sends(*args: object) -> None:
    """A job, with these arguments."""
    sync_schedule()
    what = Entry(PeriodicTask.objects.get(name="deliver_outbox"), app=app)
    what.args = args
    scheduler: Any = Scheduler(app=app, lazy=True)  # type: ignore[no-untyped-call] # django-celery-beat's
    scheduler.apply_async(what, advance=False)


def test_beat_is_heard_of_when_it_has_sent_a_job() -> None:
    assert not is_heard(BEAT)
    beat_sends()
    assert is_heard(BEAT)


def test_a_beat_that_cannot_send_is_not() -> None:
    with pytest.raises(SchedulingError):
        beat_sends(object())
    assert not is_heard(BEAT)


def test_how_long_ago_each_was_heard_of_is_told() -> None:
    heartbeats.note(["events"], now=now() - timedelta(seconds=7))
    found = heartbeats.ages(["events", "ingest"], now=now())
    assert 7 <= found["events"] < 60
    assert found["ingest"] == math.inf


def test_while_redis_is_away_nothing_is_noted_and_nobody_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setattr(core_redis.breaker, "closed_after", math.inf)
        heartbeats.note(["events"], now=now())
    assert not is_heard("events")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Running]:
    """Of the queue of events."""
    empty_queues()
    started = Running("events", "--without-mingle", "--without-gossip", folder=tmp_path, app="tests.config.lively")
    started.wait_for("ready.")
    yield started
    started.kill()


def send(name: str, **more: Any) -> None:
    """A job for that worker."""
    with Connection(broker_url(queues_address())) as connection:
        app.send_task(name, queue="events", connection=connection, **more)


def test_workers_are_heard_of_as_long_as_they_do_jobs(worker: Running) -> None:
    """Not before, not if they drop what they are sent, and all the time while a job goes on."""
    send(LASTS, expires=now() - timedelta(hours=1))
    worker.wait_for("Discarding revoked task")
    time.sleep(LOOKS)
    assert not is_heard("events")
    core_redis.client().set(LASTS, 1)
    send(LASTS)
    until(lambda: is_heard("events"), "the worker has taken it up")
    forget()
    until(lambda: is_heard("events"), "the worker is at it still")
    core_redis.client().delete(LASTS)
    worker.wait_for("succeeded")
    time.sleep(LOOKS)
    forget()
    time.sleep(LOOKS)
    assert not is_heard("events")

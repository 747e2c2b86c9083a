"""The clock of a machine with workers or beat is wrong by an hour: jobs are sent, and done, all the same."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django_celery_beat.models import IntervalSchedule
from django_celery_beat.schedulers import DatabaseScheduler
from kombu import Connection

from config.beat import Scheduler
from config.celery import app
from config.schedule import SCHEDULE, sync_schedule
from config.settings import broker_url
from core import clock
from core import redis as core_redis
from core.clock import now
from tests.faults.clocks import HOUR, JUMPED, machine_wrong_by
from tests.promises.crew import empty_queues, job_named
from tests.promises.processes import LONG, Running, queues_address, until

pytestmark = pytest.mark.django_db(transaction=True)
IN_TIME_SECONDS = 120
"""Enough for a worker on a busy machine, and less than an hour."""
BEAT_SENDS = "Sending due task"
SOME = 3
MAKE_PROMISES = pytest.mark.skipif(not LONG, reason="a whole beat: make promises")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts lines of the Procfile by a wrong clock; they end with the test."""
    running: list[Running] = []

    def start(line: str, *words: str, by: timedelta, **more: str) -> Running:
        more["CLOCK_WRONG_BY"] = str(by.total_seconds())
        running.append(Running(line, *words, folder=tmp_path, more=more, app="tests.faults.clocks"))
        return running[-1]

    empty_queues()
    yield start
    for each in running:
        each.kill()


def send_in_time(name: str) -> str:
    """Sends a job as beat does: to be dropped if nobody takes it in time."""
    job = job_named(name)
    with Connection(broker_url(queues_address())) as connection:
        return str(app.send_task(job.task, queue=job.queue, connection=connection, expires=IN_TIME_SECONDS).id)


def worker_done(run: Callable[..., Running], **more: str) -> bool:
    """Whether a worker an hour ahead does what it is sent, or drops it."""
    worker = run("ingest", "--without-mingle", "--without-gossip", by=HOUR, **more)
    worker.wait_for("ready.")
    message = send_in_time("flush_events")
    until(lambda: worker.lines(message, "succeeded") or worker.lines(message, "revoked"), "it is done or dropped")
    return bool(worker.lines(message, "succeeded"))


def test_a_worker_whose_machine_is_an_hour_ahead_does_its_jobs(run: Callable[..., Running]) -> None:
    assert worker_done(run)


def test_control_with_its_own_clock_believed_it_drops_them(run: Callable[..., Running]) -> None:
    assert not worker_done(run, CLOCK_BELIEVED="1")


@pytest.fixture
def every_second() -> None:
    """All jobs of a minute or less are to be sent each second."""
    sync_schedule()
    IntervalSchedule.objects.filter(every__lte=60).update(every=1)


def sent_after_the_jump(beat: Running) -> set[str]:
    """Which jobs, as beat says."""
    _before, _jump, after = beat.log.read_text().partition(JUMPED)
    return {line.split(BEAT_SENDS)[1].split()[0] for line in after.splitlines() if BEAT_SENDS in line}


def beat_that_jumps(run: Callable[..., Running], *words: str, **more: str) -> Running:
    """Its clock goes back by an hour when it has begun to send."""
    beat = run("beat", *words, by=-HOUR, CLOCK_JUMPS="1", **more)
    beat.wait_for(BEAT_SENDS)
    beat.process.send_signal(signal.SIGUSR1)
    beat.wait_for(JUMPED)
    return beat


@MAKE_PROMISES
def test_a_beat_whose_clock_jumps_back_goes_on(run: Callable[..., Running], every_second: None) -> None:
    beat = beat_that_jumps(run)
    until(lambda: len(sent_after_the_jump(beat)) >= SOME, "jobs are sent")


@MAKE_PROMISES
def test_control_with_celerys_own_it_waits_for_an_hour(run: Callable[..., Running], every_second: None) -> None:
    scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
    beat = beat_that_jumps(run, "--scheduler", scheduler, CLOCK_BELIEVED="1")
    time.sleep(SOME)
    assert len(sent_after_the_jump(beat)) < SOME


def sent_when_time_goes_back(kind: type[DatabaseScheduler], back: AbstractContextManager[None]) -> set[str]:
    """The jobs that a beat sends within seconds when the clock by which it goes jumps back."""
    scheduler = kind(app=app)
    send_for(scheduler, seconds=1.5)
    core_redis.client().delete(*{job.queue for job in SCHEDULE})
    with back:
        send_for(scheduler, seconds=3)
    return names_sent(core_redis.client())


@contextmanager
def postgresql_goes_back() -> Iterator[None]:
    """With it all processes."""
    clock.shared.hear(now() - HOUR, asked=time.monotonic())
    yield


def send_for(scheduler: DatabaseScheduler, *, seconds: float) -> None:
    """Beat's life."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(min(0.05, max(0, scheduler.tick())))


def names_sent(client: redis.Redis) -> set[str]:
    """What is in the queues."""
    found: set[str] = set()
    for queue in {job.queue for job in SCHEDULE}:
        messages: list[bytes] = client.lrange(queue, 0, -1)  # type: ignore[assignment] # not awaited
        found |= {json.loads(message)["headers"]["task"] for message in messages}
    return found


def test_when_postgresqls_clock_goes_back_all_jobs_are_sent_soon(every_second: None) -> None:
    wanted = {job.task for job in SCHEDULE if job.seconds and job.seconds <= 60}
    assert sent_when_time_goes_back(Scheduler, postgresql_goes_back()) >= wanted


def test_control_celerys_own_sends_hardly_any(every_second: None) -> None:
    assert len(sent_when_time_goes_back(DatabaseScheduler, machine_wrong_by(-HOUR))) < SOME

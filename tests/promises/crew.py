"""A worker that is killed, and the next one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import redis
from django.conf import settings
from kombu import Connection

from config.celery import app
from config.schedule import SCHEDULE, Job
from config.settings import broker_url
from core.clock import now
from tests.promises.gates import Gate, alive, waiting
from tests.promises.processes import Running, queues_address, until

WORDS = ("--queues", ",".join({job.queue for job in SCHEDULE}), "--without-mingle", "--without-gossip")
"""All queues, and quick to start."""
UNACKNOWLEDGED = "unacked_index"
"""Celery's: messages that a worker has taken, by when."""


def job_named(name: str) -> Job:
    """A line of the schedule."""
    return next(job for job in SCHEDULE if job.name == name)


class Crew:
    """One worker at a time, and what it is told. It is started when there is something to do, and with one child, so
    that it is known who does it.
    """

    def __init__(self, folder: Path, more: Mapping[str, str], *, app: str, children: int = 1) -> None:
        self.folder, self.more, self.app, self.children = folder, more, app, children
        self.worker: Running | None = None

    def ready(self) -> Running:
        """The worker that lives."""
        if self.worker is None:
            words = (*WORDS, "--concurrency", str(self.children))
            self.worker = Running("payments", *words, folder=self.folder, more=self.more, app=self.app)
            self.worker.wait_for("ready.")
        return self.worker

    def begin(self, name: str) -> str:
        """Sends a job as beat would; the id of the message."""
        self.ready()
        return send(name)

    def run(self, name: str) -> None:
        """Has a job done, as at the next tick."""
        self.ready().wait_for(self.begin(name), "succeeded")

    def die(self, victim: str, name: str, gate: Gate) -> datetime:
        """Has a job begun, and kills the child that does it, or the whole worker, when it is at the gate. Returns when.

        What the child was about goes to the next child at once. What the whole worker was about is lost here, and left
        to what beat sends next.
        """
        with gate as reached:
            message = self.begin(name)
            until(reached, f"{name} at the gate")
            orphans, died = waiting(), now()
            self.kill(victim)
            if victim == "worker":
                empty_queues()
        until(lambda: not alive(orphans), "PostgreSQL sees who died")
        if victim == "child":
            self.ready().wait_for(message, "succeeded")
        return died

    def kill(self, victim: str) -> None:
        """`kill -9` of the `child` (of all, if there are more), or of the whole `worker`."""
        assert self.worker is not None
        if victim == "child":
            self.worker.kill(children=True)
        else:
            self.close()

    def close(self) -> None:
        """No worker any more."""
        if self.worker is not None:
            self.worker.kill()
        self.worker = None


def send(name: str) -> str:
    """Sends a job's message; its id."""
    job = job_named(name)
    with Connection(broker_url(queues_address())) as connection:
        return str(app.send_task(job.task, queue=job.queue, connection=connection).id)


def empty_queues() -> None:
    """Nothing is to be done."""
    with redis.Redis.from_url(queues_address()) as client:
        client.flushdb()


def queues_are_empty() -> bool:
    """Whether nobody has anything to do, or does it."""
    with redis.Redis.from_url(queues_address()) as client:
        return not client.exists(UNACKNOWLEDGED, *{job.queue for job in SCHEDULE})


def let_messages_come_again() -> None:
    """As if so much time had passed that what a dead worker had taken is given to another."""
    with redis.Redis.from_url(queues_address()) as client:
        for message in client.zrange(UNACKNOWLEDGED, 0, -1):
            client.zincrby(UNACKNOWLEDGED, -settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"], message)

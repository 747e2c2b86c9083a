"""The message of a job, as a worker has it. In a module of its own: only workers need what it stands on."""

from typing import Any, Literal

from celery.worker.request import Request
from celery.worker.state import active_requests
from celery.worker.state import revoked as dropped

from core import clock, heartbeats
from core.postgresql.telling_time import now

taken_up: set[str] = set()
"""Queues of which this worker's processes have taken up a job since `note_life`."""


class Message(Request):
    """Dropped when it is too late by the shop's clock, not by this machine's."""

    @property
    def queue(self) -> str:
        """The queue that it came through."""
        return str(self.delivery_info["routing_key"])

    def on_accepted(self, pid: Any, time_accepted: Any) -> None:
        """One of the worker's processes has begun with it."""
        super().on_accepted(pid, time_accepted)
        taken_up.add(self.queue)

    def maybe_expire(self) -> Literal[True] | None:
        if not self.expires or now() <= self.expires:
            return None
        dropped.add(self.id)
        return True


def note_life() -> None:
    """Says of which queues this worker does the jobs: those that were taken up lately, and those that go on. Of a queue
    whose messages it drops, or cannot take, it says nothing.
    """
    heartbeats.note(taken_up | {job.queue for job in active_requests if isinstance(job, Message)}, now=clock.now())
    taken_up.clear()

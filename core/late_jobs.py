"""Jobs of the schedule that should have been sent and were not, and those that should have ended well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask

from core import successes

LATE = timedelta(minutes=4)
"""Beat writes down only every three minutes when it last sent a job."""


@dataclass(frozen=True)
class LateJob:
    """A job, and how long ago it was due."""

    name: str
    by: timedelta


def late_jobs(*, now: datetime) -> list[LateJob]:
    """Enabled jobs that were due more than `LATE` ago, the latest first. One that never ran counts from when it was
    made or changed.
    """
    found = (
        LateJob(task.name, now - due_at(task, task.last_run_at or task.date_changed, now=now)) for task in scheduled()
    )
    return sorted((job for job in found if job.by >= LATE), key=lambda job: job.by, reverse=True)


def undone(*, now: datetime) -> dict[str, timedelta]:
    """By the name of each enabled job, for how long it should have ended well once more and has not; nothing if that is
    still to come.

    Raises:
        RedisAwayError: Redis, which knows, cannot be asked.
    """
    tasks = list(scheduled())
    ended = successes.latest({task.task for task in tasks}, now=now)
    return {task.name: max(now - due_at(task, ended[task.task], now=now), timedelta()) for task in tasks}


def scheduled() -> QuerySet[PeriodicTask]:
    """Enabled jobs, with what says when they run."""
    tasks = PeriodicTask.objects.filter(enabled=True, one_off=False)
    return tasks.select_related("interval", "crontab", "solar", "clocked")


def due_at(task: PeriodicTask, since: datetime, *, now: datetime) -> datetime:
    """When the job is or was to be sent for the first time after an instant."""
    remaining: timedelta = task.schedule.remaining_estimate(since)
    return now + remaining

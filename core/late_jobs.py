"""Jobs of the schedule that should have been sent and were not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django_celery_beat.models import PeriodicTask

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
    tasks = PeriodicTask.objects.filter(enabled=True, one_off=False)
    found = (
        LateJob(task.name, now - due_at(task, now=now))
        for task in tasks.select_related("interval", "crontab", "solar", "clocked")
    )
    return sorted((job for job in found if job.by >= LATE), key=lambda job: job.by, reverse=True)


def due_at(task: PeriodicTask, *, now: datetime) -> datetime:
    """When the job is or was to be sent next."""
    remaining: timedelta = task.schedule.remaining_estimate(task.last_run_at or task.date_changed)
    return now + remaining

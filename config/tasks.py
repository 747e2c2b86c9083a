"""Celery shells, what the log says of each job, and how long it takes."""

import time
from typing import Any

from celery import shared_task
from celery.signals import task_postrun, task_prerun
from celery.states import SUCCESS

from config import retention
from core import logs, measured, successes
from core.clock import now

begun: dict[str, float] = {}
"""When this process began what it is at, by the message's id."""


@shared_task
def cleanup() -> dict[str, int]:
    """Removes what is no longer kept: rows by rule. At night, every ten minutes, since a run takes four at most."""
    tallies = retention.cleanup(now=now(), seconds=retention.SECONDS)
    return {tally.rule.name: tally.rows for tally in tallies if tally.rows}


@task_prerun.connect
def job_begins(task_id: str, task: Any, **_more: Any) -> None:
    """Notes when; the log is about it from now on."""
    logs.begin(job=task.name, job_id=task_id)
    begun[task_id] = time.perf_counter()


@task_postrun.connect
def job_ends(task_id: str, task: Any, state: str | None = None, **_more: Any) -> None:
    """Notes how long it took, and whether it ended well. `state` is Celery's: SUCCESS, FAILURE; none for no end."""
    seconds = time.perf_counter() - begun.pop(task_id, time.perf_counter())
    measured.observe(measured.JOBS, (task.name, (state or "unknown").lower()), seconds)
    if state == SUCCESS:
        successes.note(task.name, now=now())
    logs.end()

"""The schedule: every job is there, and what staff edited stays."""

import pytest
from django_celery_beat.models import PeriodicTask

from config.celery import app
from config.schedule import SCHEDULE, sync_schedule

pytestmark = pytest.mark.django_db


def test_every_job_names_a_task_that_exists() -> None:
    app.loader.import_default_modules()
    assert {job.task for job in SCHEDULE} <= set(app.tasks)


def test_what_was_edited_is_not_overwritten() -> None:
    sync_schedule()
    PeriodicTask.objects.filter(name="poll_billing").update(enabled=False)
    assert sync_schedule() == 0
    assert not PeriodicTask.objects.get(name="poll_billing").enabled


def test_a_run_that_nobody_took_up_is_dropped() -> None:
    sync_schedule()
    assert PeriodicTask.objects.get(name="flush_events").expire_seconds == 2

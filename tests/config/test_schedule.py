"""The schedule: every job is there, and what staff edited stays."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django_celery_beat.models import PeriodicTask

from config.celery import app
from config.schedule import SCHEDULE, Job, sync_schedule, timing

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


def test_a_job_of_one_day_of_the_week_runs_on_that_day_by_the_shops_clock(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Asia/Ho_Chi_Minh"
    found: Any = timing(Job("weekly", "core.tasks.send_mail", crontab=("0", "7"), weekday="mon"))["crontab"]
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    with time_machine.travel(friday, tick=False):
        assert friday + found.schedule.remaining_estimate(friday) == datetime(2026, 11, 30, tzinfo=UTC)

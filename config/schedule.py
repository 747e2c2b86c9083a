"""Every job and when it runs. `sync_schedule` writes what is missing; what staff edited in the admin stays.

`seconds` is how often; a run that was not taken up before the next is due is dropped, so a worker that was away does
not find a thousand of them. `crontab` is (minute, hour) in the shop's time zone, on every day or on one of the week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


@dataclass(frozen=True)
class Job:
    """One line of the schedule. `weekday` is one of a week's days as cron calls it (`mon`), with `crontab` only."""

    name: str
    task: str
    queue: str = "default"
    seconds: int = 0
    crontab: tuple[str, str] | None = None
    weekday: str = "*"


SCHEDULE = [
    Job("flush_events", "sessions_app.tasks.flush_events", "ingest", seconds=1),
    Job("poll_billing", "orders.tasks.poll_billing", "payments", seconds=settings.BILLING_POLL_SECONDS),
    Job("expire_orders", "orders.tasks.expire_orders", "closing", seconds=60),
    Job("send_refunds", "orders.tasks.send_refunds", "payments", seconds=10),
    Job("send_payment_reminders", "orders.tasks.send_payment_reminders", seconds=60),
    Job("take_up_webhooks", "orders.tasks.take_up_webhooks", "closing", seconds=10),
    Job("deliver_outbox", "orders.tasks.deliver_outbox", "events", seconds=2),
    Job("expire_checkouts", "checkout.tasks.expire_checkouts", seconds=60),
    Job("send_abandoned_checkout_reminders", "checkout.tasks.send_abandoned_checkout_reminders", seconds=600),
    Job("send_mail", "core.tasks.send_mail", seconds=2),
    Job("forget_unproven", "customers.tasks.forget_unproven", seconds=3600),
    Job("forget_limits", "core.tasks.forget_limits", seconds=3600),
    Job("update_realtime_metrics", "analytics.tasks.update_realtime_metrics", seconds=60),
    Job("aggregate_today", "analytics.tasks.aggregate_today", seconds=300),
    Job("watch", "analytics.tasks.watch", seconds=300),
    Job("aggregate_yesterday", "analytics.tasks.aggregate_yesterday", crontab=("10", "0")),
    Job("send_weekly_reports", "analytics.tasks.send_weekly_reports", crontab=("0", "7"), weekday="mon"),
    Job("close_lapsed_sessions", "sessions_app.tasks.close_lapsed_sessions", "ingest", seconds=300),
    Job("rotate_visitor_salt", "sessions_app.tasks.rotate_visitor_salt", crontab=("0", "*")),
    Job("cleanup", "config.tasks.cleanup", crontab=("*/10", "2-4")),  # at 2, and on as long as there is something
]
ENDED = ("core.tasks.forget_mail", "orders.tasks.forget_outbox", "orders.tasks.forget_webhooks")
"""Tasks that are no more: `cleanup` does what they did. A schedule that was written before names them."""


def sync_schedule() -> int:
    """Adds the jobs that are not there yet, and drops those whose tasks are no more; returns how many were added."""
    PeriodicTask.objects.filter(task__in=ENDED).delete()
    known = set(PeriodicTask.objects.values_list("name", flat=True))
    missing = [job for job in SCHEDULE if job.name not in known]
    for job in missing:
        PeriodicTask.objects.create(name=job.name, task=job.task, queue=job.queue, **timing(job))
    return len(missing)


def timing(job: Job) -> dict[str, object]:
    """When a job runs, as django-celery-beat keeps it."""
    if job.crontab:
        minute, hour = job.crontab
        schedule, _made = CrontabSchedule.objects.get_or_create(
            minute=minute, hour=hour, day_of_week=job.weekday, timezone=settings.SHOP_TIME_ZONE
        )
        return {"crontab": schedule}
    every, _made = IntervalSchedule.objects.get_or_create(every=job.seconds, period=IntervalSchedule.SECONDS)
    return {"interval": every, "expire_seconds": max(job.seconds, int(timedelta(seconds=2).total_seconds()))}

"""Jobs over what changes the metrics and watches them. Each may run twice, late, or at the same time as another."""

from celery import shared_task

from analytics import services
from analytics.alerts import watching
from analytics.weekly import sending
from core.clock import now


@shared_task(name="analytics.tasks.update_realtime_metrics")
def update_realtime_metrics() -> None:
    """The row of this minute."""
    services.update_realtime(now=now())


@shared_task(name="analytics.tasks.aggregate_today")
def aggregate_today() -> None:
    """Today's row and breakdown, and the earlier days that something late has touched; then who came again on them."""
    at = now()
    try:
        services.aggregate_today(now=at)
    finally:
        services.count_missing_returns(now=at)


@shared_task(name="analytics.tasks.aggregate_yesterday")
def aggregate_yesterday() -> None:
    """Yesterday's final row."""
    services.aggregate_yesterday(now=now())


@shared_task(name="analytics.tasks.send_weekly_reports")
def send_weekly_reports() -> None:
    """The mails of the last week to the staff who want them; on Mondays."""
    sending.queue_weekly_reports(now=now())


@shared_task(name="analytics.tasks.watch")
def watch() -> None:
    """The alerts: those that begin, those that are over."""
    watching.watch(now=now())

"""How the shop stands at this moment: what waits and for how long, in PostgreSQL and in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from config import queues
from config.health import QUEUES
from config.schedule import SCHEDULE
from core import clock, dead_letters, heartbeats
from core.late_jobs import late_jobs, undone
from core.models import Mail
from core.redis import RedisAwayError
from orders.models import OrderSession, PaymentAttempt, WebhookDelivery
from sessions_app import ingest, live_stats
from sessions_app.models import DeadLetter

Figures = Mapping[Any, float]
"""By the values of the labels, a tuple; by an empty one where there is no label."""
ONLY: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gauge:
    """A figure that goes up and down, and how it is found out at an instant."""

    name: str
    meaning: str
    read: Callable[[datetime], Figures]
    labels: tuple[str, ...] = ()

    def told(self, now: datetime) -> Metric:
        """The figure as Prometheus reads it.

        Raises:
            DatabaseError, PoolTimeout, RedisAwayError: whoever is asked is away.
        """
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, value in self.read(now).items():
            family.add_metric(labels, value)
        return family


def age(since: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 if there is nothing."""
    return max((now - since).total_seconds(), 0) if since else 0


def open_attempts(now: datetime) -> Figures:
    """Payments that wait for billing's word."""
    return {ONLY: PaymentAttempt.objects.filter(next_poll_at__isnull=False).count()}


def oldest_attempt(now: datetime) -> Figures:
    """Of those the one that waits longest."""
    waiting = PaymentAttempt.objects.filter(next_poll_at__isnull=False)
    return {ONLY: age(waiting.aggregate(at=Min("opened_at"))["at"], now)}


def overdue_windows(now: datetime) -> Figures:
    """Payment windows that ended and that no job has closed; those wait two minutes for billing's last word."""
    return {ONLY: OrderSession.objects.due(now - timedelta(minutes=3)).count()}


def jobs_late(now: datetime) -> Figures:
    """Those that are late, all others with 0."""
    on_time = {(job.name,): 0.0 for job in SCHEDULE}
    return on_time | {(job.name,): job.by.total_seconds() for job in late_jobs(now=now)}


def jobs_undone(now: datetime) -> Figures:
    """For how long each has not ended well though it should have; 0 as long as it need not."""
    return {(name,): by.total_seconds() for name, by in undone(now=now).items()}


def heartbeat(now: datetime) -> Figures:
    """Since beat last sent a job, and since a worker of each queue last did one; infinity if that never was."""
    return {(name,): seconds for name, seconds in heartbeats.ages([heartbeats.BEAT, *QUEUES], now=now).items()}


def letters(now: datetime) -> Figures:
    """What was given up, by kind."""
    return {("events",): DeadLetter.objects.count()} | {
        (pile.name,): pile.count() for pile in dead_letters.piles.values()
    }


def mails(now: datetime) -> Figures:
    """Those that are on their way, and those that nobody could send."""
    told = (Mail.Status.WAITING, Mail.Status.DEAD)
    found = Mail.objects.filter(status__in=told).order_by().values_list("status").annotate(count=Count("id"))
    shown = dict.fromkeys(told, 0) | dict(found)
    return {(str(status),): shown[status] for status in told}


def deliveries(now: datetime) -> Figures:
    """Events on their way to subscribers."""
    return {ONLY: WebhookDelivery.objects.filter(next_try_at__isnull=False).count()}


def waiting(now: datetime) -> Figures:
    """Messages that no worker has taken yet, by queue."""
    return {(name,): length for name, length in queues.lengths(QUEUES).items()}


def visits(now: datetime) -> Figures:
    """Visits seen lately."""
    return {(str(minutes),): number for minutes, number in live_stats.active(now).items()}


def stream(now: datetime) -> Figures:
    """Entries that are not stored yet."""
    return {ONLY: ingest.stream_lag()[0]}


def stream_age(now: datetime) -> Figures:
    """The oldest of them."""
    return {ONLY: age(ingest.stream_lag()[1], now)}


def room(now: datetime) -> Figures:
    """What the stream may hold."""
    return {ONLY: settings.EVENT_STREAM_LIMIT}


IN_POSTGRESQL = (
    Gauge("footfall_payment_attempts_open", "Payments that wait for billing's word.", open_attempts),
    Gauge("footfall_payment_attempt_oldest_seconds", "How long the oldest of them waits.", oldest_attempt),
    Gauge("footfall_payment_windows_overdue", "Windows that ended over 3 minutes ago, still open.", overdue_windows),
    Gauge("footfall_job_late_seconds", "By how much a job of the schedule is late.", jobs_late, ("task",)),
    Gauge("footfall_dead_letters", "What was given up, to be looked at.", letters, ("kind",)),
    Gauge("footfall_mails", "Mails that wait, and those that could not be sent.", mails, ("status",)),
    Gauge("footfall_webhook_deliveries_waiting", "Events on their way to subscribers.", deliveries),
)
IN_REDIS = (
    Gauge(
        "footfall_heartbeat_seconds", "Since beat, or the workers of a queue, were last at work.", heartbeat, ("of",)
    ),
    Gauge("footfall_queue_length", "Messages that no worker has taken.", waiting, ("queue",)),
    Gauge("footfall_active_visits", "Visits seen in the last minutes.", visits, ("minutes",)),
    Gauge("footfall_ingest_entries", "Entries of the stream that are not stored yet.", stream),
    Gauge("footfall_ingest_entries_limit", "Entries that the stream may hold.", room),
    Gauge("footfall_ingest_oldest_seconds", "How long the oldest entry waits.", stream_age),
)
IN_BOTH = (
    Gauge("footfall_job_undone_seconds", "Since when a job should have ended well once more.", jobs_undone, ("task",)),
)


class State(Collector):
    """What waits, and whether PostgreSQL answers."""

    def describe(self) -> list[Metric]:
        """Nothing: registering it must not ask anybody."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All that can be found out: while PostgreSQL or Redis is away its part is not there."""
        now = clock.now()
        answers = 1
        try:
            yield from [gauge.told(now) for gauge in IN_POSTGRESQL]
        except (DatabaseError, PoolTimeout):
            answers = 0
        yield GaugeMetricFamily("footfall_database_up", "Whether PostgreSQL answers.", value=answers)
        for gauges in (IN_REDIS, IN_BOTH):
            with suppress(RedisAwayError, DatabaseError, PoolTimeout):
                yield from [gauge.told(now) for gauge in gauges]

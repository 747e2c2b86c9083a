"""The strip "Needs attention": what somebody should look at, each a link to where. Nothing here writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse

from analytics.alerts.rules import lasting
from analytics.alerts.views import view_of
from analytics.models import Alert, RealtimeMetrics
from core import clock
from core.late_jobs import LATE, late_jobs
from core.postgresql import replica
from core.redis import RedisAwayError
from orders.models import WebhookDelivery
from orders.providers.lately import calls_lately
from orders.reasons import OTHER, REASONS, counts_by_reason
from sessions_app.models import DeadLetter

Item = tuple[str, str]
"""Text and address."""
FEWEST_ERRORS, LEAST_ERRORS = 3, 1.0
"""Failed calls to billing, and percent of all. Fewer are no reason to look."""
NAMED = 3
"""So many late jobs are named; more are late together."""


@replica.at(replica.PRIMARY)
def attention_items(request: HttpRequest) -> list[dict[str, str]]:
    """What there is and whoever asks may see: `text` and `link`. What they may not see is not looked up. Whoever has
    seen to something finds it gone.
    """
    now = clock.now()
    return [
        {"text": text, "link": link}
        for permission, read in SOURCES
        if request.user.has_perm(permission)
        for text, link in read(now)
    ]


def orders(now: datetime) -> Iterator[Item]:
    """Orders that need somebody, by why."""
    found = counts_by_reason()
    for reason in REASONS:
        if count := found[reason.key]:
            yield f"{count:,} {reason.title}", listed("orders_order", f"?attention={reason.key}")
    if count := found[OTHER]:
        yield counted(count, "order needs", "orders need", "attention"), listed("orders_order", f"?attention={OTHER}")


def billing(now: datetime) -> Iterator[Item]:
    """Calls to billing to which no useful answer came, in this hour and the one before; none while Redis is away."""
    try:
        calls = calls_lately(now=now)
    except RedisAwayError:
        return
    if calls.failed >= FEWEST_ERRORS and calls.share >= LEAST_ERRORS:
        yield f"billing errors {calls.share:.0f} %", listed("orders_paymentattempt")


def alerts(now: datetime) -> Iterator[Item]:
    """Open alerts whose kind is not muted."""
    for alert in Alert.objects.heard(now):
        yield f"{alert.get_kind_display()}: {alert.sentence}", view_of(alert.kind, alert.began_at, now=now)


def jobs(now: datetime) -> Iterator[Item]:
    """Jobs that nobody sent; else whether those that were sent are done, told by one that is due every minute."""
    late = late_jobs(now=now)
    if len(late) > NAMED:
        yield f"{len(late)} jobs late, by up to {lasting(late[0].by)}", listed("django_celery_beat_periodictask")
        return
    for job in late:
        yield f"job {job.name} {lasting(job.by)} late", listed("django_celery_beat_periodictask", f"?q={job.name}")
    done = RealtimeMetrics.objects.filter(minute__lte=now).first()
    if not late and done and now - done.minute >= LATE + timedelta(minutes=1):
        yield f"no job done for {lasting(now - done.minute)}", listed("django_celery_beat_periodictask")


def dead_letters(now: datetime) -> Iterator[Item]:
    """Events that could not be stored."""
    if count := DeadLetter.objects.count():
        yield counted(count, "event was", "events were", "not stored (dead letters)"), listed("sessions_app_deadletter")


def dead_deliveries(now: datetime) -> Iterator[Item]:
    """Webhooks that subscribers never took."""
    if count := WebhookDelivery.objects.dead().count():
        link = listed("orders_webhookdelivery", "?status__exact=dead")
        yield counted(count, "webhook was", "webhooks were", "never taken"), link


SOURCES: tuple[tuple[str, Callable[[datetime], Iterator[Item]]], ...] = (
    ("orders.view_order", orders),
    ("orders.view_paymentattempt", billing),
    ("analytics.view_alert", alerts),
    ("django_celery_beat.view_periodictask", jobs),
    ("sessions_app.view_deadletter", dead_letters),
    ("orders.view_webhookdelivery", dead_deliveries),
)
"""Each with the permission to see the list that it links to."""


def counted(count: int, one: str, many: str, what: str) -> str:
    """`1 event was not stored`, `1,023 events were not stored`."""
    return f"{count:,} {one if count == 1 else many} {what}"


def listed(model: str, query: str = "") -> str:
    """The address of a model's list."""
    return reverse(f"admin:{model}_changelist") + query

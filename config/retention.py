"""What is kept for how long: every rule in one table, as docs/privacy.md tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.checks import CheckMessage, Error
from django.db.models import QuerySet

from analytics.services import freeze_days
from checkout.models import CheckoutSession, IdempotencyKey
from core.clock import shop_day
from core.models import Mail
from core.retention import FOR_EVER, Rule, Tally, clean_up, due, rows_of
from orders import outbox
from orders.models import WebhookReceipt
from sessions_app import months
from sessions_app.models import DeadLetter, VisitorSession

SECONDS = 240
"""A run of the job; those that follow until morning go on."""
LEAST_DAYS = 31
"""An order is credited to visits of 30 days before."""
CHOSEN = ("VISIT_RETENTION_DAYS", "CUSTOMER_VISIT_RETENTION_DAYS", "EVENT_RETENTION_DAYS", "CHECKOUT_RETENTION_DAYS")
"""Settings, in days."""


def rules() -> list[Rule]:
    """What goes when, in this order: what hangs on others first."""
    of_checkouts, of_events = settings.CHECKOUT_RETENTION_DAYS, settings.EVENT_RETENTION_DAYS
    return [
        rows_of("logins", "logins that have ended", 1, lambda day: Session.objects.filter(expire_date__lt=day)),
        rows_of("mails", "mails that were sent or given up", 30, settled_mails),
        rows_of("webhooks", "what billing reported", 30, WebhookReceipt.objects.received_before),
        Rule("deliveries", "deliveries to subscribers", 30, outbox.old_deliveries, outbox.forget_deliveries),
        Rule("events out", "events for subscribers", 30, outbox.old_events, outbox.forget_events),
        rows_of("keys", "kept answers of the API", 7, lambda day: IdempotencyKey.objects.filter(created_at__lt=day)),
        rows_of("checkouts", "checkouts that were not bought", of_checkouts, checkouts_left),
        rows_of("dead letters", "events that could not be stored", of_events, dead_letters),
        Rule("events", "months of what happened in visits", of_events, months.rows_before, months.drop_oldest, freeze),
        rows_of("visits", "visits without login or order", settings.VISIT_RETENTION_DAYS, visits_of_nobody, freeze),
        rows_of("customers' visits", "all other visits", settings.CUSTOMER_VISIT_RETENTION_DAYS, visits, freeze),
    ]


def settled_mails(before: datetime) -> QuerySet[Mail]:
    """Those that nobody will send any more."""
    return Mail.objects.filter(created_at__lt=before).exclude(status=Mail.Status.WAITING)


def checkouts_left(before: datetime) -> QuerySet[CheckoutSession]:
    """Those that ended without being bought."""
    ended = (CheckoutSession.Status.TIMEOUT, CheckoutSession.Status.FAILURE)
    return CheckoutSession.objects.filter(status__in=ended, expires_at__lt=before)


def dead_letters(before: datetime) -> QuerySet[DeadLetter]:
    """Those that nobody got stored in as long as events stay."""
    return DeadLetter.objects.filter(created_at__lt=before)


def visits(before: datetime) -> QuerySet[VisitorSession]:
    """All that began before."""
    return VisitorSession.objects.filter(started_at__lt=before)


def visits_of_nobody(before: datetime) -> QuerySet[VisitorSession]:
    """Those in which nobody logged in or ordered."""
    return visits(before).filter(customer=None, order_id=None)


def freeze(before: datetime, *, now: datetime) -> None:
    """What was counted of days whose visits go stays as it is."""
    freeze_days(before=shop_day(before), now=now)


def cleanup(*, now: datetime, **options: Any) -> list[Tally]:
    """Removes what is due. `options` are those of `core.retention.clean_up`."""
    return clean_up(rules(), now=now, **options)


def cleanup_due(*, now: datetime) -> list[Tally]:
    """What `cleanup` would remove."""
    return due(rules(), now=now)


def check_retention(**_more: Any) -> list[CheckMessage]:
    """Visits are kept for as long as orders are credited to them."""
    days = {name: getattr(settings, name) for name in CHOSEN}
    return [
        Error(f"{name} is {kept}: it can be {FOR_EVER}, for ever, or {LEAST_DAYS} days and more.", id="config.E001")
        for name, kept in days.items()
        if kept != FOR_EVER and kept < LEAST_DAYS
    ]

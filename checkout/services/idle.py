"""Checkouts left for too long."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from checkout.models import CheckoutSession

BATCH = 1000


def expire_idle(*, now: datetime) -> int:
    """Times out open checkouts without an order whose 30 minutes have passed; returns how many."""
    expired = 0
    while batch := expire_batch(now=now):
        expired += batch
    return expired


@transaction.atomic
def expire_batch(*, now: datetime) -> int:
    """Up to `BATCH` of them, those left longest ago first. One that somebody is changing is left to the next run."""
    idle = CheckoutSession.objects.open().filter(expires_at__lte=now).order_by("expires_at")
    found = list(idle.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:BATCH])
    left = CheckoutSession.objects.filter(pk__in=found)
    return left.update(status=CheckoutSession.Status.TIMEOUT, lapsed_at=F("expires_at")) if found else 0

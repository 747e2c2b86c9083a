"""Checkouts left for too long."""

from datetime import datetime

from django.db.models import F

from checkout.models import CheckoutSession


def expire_idle(*, now: datetime) -> int:
    """Times out open checkouts without an order whose 30 minutes have passed; returns how many."""
    idle = CheckoutSession.objects.open().filter(expires_at__lte=now)
    return idle.update(status=CheckoutSession.Status.TIMEOUT, lapsed_at=F("expires_at"))

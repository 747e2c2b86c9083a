"""Celery shells."""

from celery import shared_task

from checkout.services.idle import expire_idle
from core.clock import now


@shared_task
def expire_checkouts() -> int:
    """Times out idle checkouts; every minute."""
    return expire_idle(now=now())

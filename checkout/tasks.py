"""Celery shells."""

from celery import shared_task

from checkout.services import reminding
from checkout.services.idle import expire_idle
from core.clock import now


@shared_task
def expire_checkouts() -> int:
    """Times out idle checkouts; every minute."""
    return expire_idle(now=now())


@shared_task
def send_abandoned_checkout_reminders() -> int:
    """Reminds those who asked for it of the checkout that they left; every 10 minutes."""
    return reminding.send_abandoned_checkout_reminders(now=now())

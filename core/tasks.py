"""Celery shells."""

from celery import shared_task

from core import limits, mail
from core.clock import now


@shared_task
def send_mail() -> int:
    """Sends the mails that are due; every 2 seconds."""
    return mail.send_due(now=now())


@shared_task
def forget_limits() -> int:
    """Deletes what was counted in PostgreSQL while Redis was away and is over; every hour."""
    return limits.forget_ended(now=now())

"""Celery shells."""

from celery import shared_task

from core.clock import now
from customers import services


@shared_task
def forget_unproven() -> int:
    """Deletes registrations that nobody confirmed; every hour."""
    return services.forget_unproven(now=now())

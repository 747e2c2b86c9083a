"""Celery shells."""

from dataclasses import asdict

from celery import shared_task

from core.clock import now
from orders import services


@shared_task
def poll_billing() -> dict[str, int]:
    """Asks billing about open payment attempts; every 5 seconds."""
    return asdict(services.poll_billing(now=now()))


@shared_task
def expire_orders() -> int:
    """Closes orders whose payment window has passed; every minute."""
    return services.expire_due(now=now())


@shared_task
def send_refunds() -> int:
    """Sends requested refunds to billing; every 10 seconds."""
    return services.send_refunds(now=now())

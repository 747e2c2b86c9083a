"""Celery shells."""

from dataclasses import asdict
from typing import Any

from celery import shared_task

from core.clock import now
from orders import inbox, outbox, services


@shared_task
def poll_billing() -> dict[str, Any]:
    """Asks billing about open payment attempts; every 5 seconds."""
    return asdict(services.poll_billing(now=now()))


@shared_task
def expire_orders() -> dict[str, Any]:
    """Closes orders whose payment window has passed; every minute."""
    return asdict(services.expire_due(now=now()))


@shared_task
def send_refunds() -> int:
    """Sends requested refunds to billing; every 10 seconds."""
    return services.send_refunds(now=now())


@shared_task
def send_payment_reminders() -> int:
    """Reminds who has not paid when a third of the window is left; every minute."""
    return services.send_payment_reminders(now=now())


@shared_task
def take_up_webhooks() -> int:
    """Handles webhooks that came before their payment attempt was stored; every 10 seconds."""
    return inbox.take_up(now=now())


@shared_task
def deliver_outbox() -> dict[str, Any]:
    """Tells other services what happened; every 2 seconds."""
    return asdict(outbox.deliver_outbox(now=now()))

"""Addresses that want no reminders."""

from __future__ import annotations

from datetime import datetime

from checkout.models import ReminderAddress


def unsubscribe(*, address_id: int, now: datetime) -> None:
    """No more reminders to this address, those on their way included. Again, and after it was erased, is harmless."""
    ReminderAddress.objects.filter(pk=address_id, unsubscribed_at=None).update(unsubscribed_at=now)


def allow_again(*, address_id: int) -> bool:
    """Takes the address off the list; False if it was not on it. It still gets nothing that nobody asks for."""
    unsubscribed = ReminderAddress.objects.filter(pk=address_id, unsubscribed_at__isnull=False)
    return bool(unsubscribed.update(unsubscribed_at=None))

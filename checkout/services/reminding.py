"""Reminders of abandoned checkouts: asked for by the shopper, one a checkout, and few an address.

Nobody is reminded who did not ask to be. Two workers that find the same checkout, or two checkouts of one address,
remind once: the checkout is taken by its lock, the address by a conditional write.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from checkout import letters
from checkout.models import CheckoutSession
from core import mail

BATCH = 200
LATEST = timedelta(days=3)
"""Whoever left longer ago is not reminded any more."""
AGAIN_AFTER = timedelta(days=7)
"""An address gets one reminder in this time, whatever it leaves behind."""
Reminder = CheckoutSession.Reminder

# In the order of the addresses, so that two workers never wait for each other in a ring.
CLAIM = """
INSERT INTO checkout_reminderaddress (email, reminded_at)
SELECT DISTINCT lower(email), %(now)s::timestamptz FROM unnest(%(emails)s::text[]) AS found (email) ORDER BY 1
ON CONFLICT (email) DO UPDATE SET reminded_at = excluded.reminded_at
WHERE checkout_reminderaddress.unsubscribed_at IS NULL
  AND (checkout_reminderaddress.reminded_at IS NULL OR checkout_reminderaddress.reminded_at <= %(before)s)
RETURNING email
"""
LOWERED = "SELECT lower(email) FROM unnest(%s::text[]) WITH ORDINALITY AS found (email, place) ORDER BY place"


def send_abandoned_checkout_reminders(*, now: datetime) -> int:
    """Writes a reminder of each checkout that is due; returns how many. A mail server is asked by another job."""
    total, more = 0, True
    while more:
        found, written = remind_batch(now=now)
        total, more = total + written, found == BATCH
    return total


@transaction.atomic
def remind_batch(*, now: datetime) -> tuple[int, int]:
    """Takes up to `BATCH` checkouts, and writes the mails with it; returns how many it took, and how many mails."""
    due = due_checkouts(now=now)
    taken = CheckoutSession.objects.filter(pk__in=due)
    newest = newest_by_address(taken.not_bought_since().order_by("lapsed_at"))
    allowed = claim_addresses(newest, now=now)
    chosen = [checkout for address, checkout in newest.items() if address in allowed]
    chosen_ids = [checkout.pk for checkout in chosen]
    taken.exclude(pk__in=chosen_ids).update(reminder=Reminder.DROPPED)
    taken.filter(pk__in=chosen_ids).update(reminder=Reminder.SENT, reminded_at=now)
    mail.queue_all([letters.about(checkout, now=now) for checkout in chosen])
    return len(due), len(chosen)


def due_checkouts(*, now: datetime) -> list[UUID]:
    """Those whose shopper asked for it and has been away for long enough, locked. What others lock is left to them."""
    away = timedelta(minutes=settings.ABANDONED_REMINDER_AFTER_MINUTES)
    asked = CheckoutSession.objects.lapsed().filter(
        reminder=Reminder.ASKED, lapsed_at__lte=now - away, lapsed_at__gt=now - LATEST
    )
    locked = asked.select_for_update(skip_locked=True, no_key=True)
    return list(locked.order_by("lapsed_at").values_list("pk", flat=True)[:BATCH])


def newest_by_address(checkouts: Iterable[CheckoutSession]) -> dict[str, CheckoutSession]:
    """The one that each address left last, of those that are in the order of their leaving."""
    found = list(checkouts)
    with connection.cursor() as cursor:
        cursor.execute(LOWERED, [[checkout.email for checkout in found]])
        addresses = [row[0] for row in cursor]
    return dict(zip(addresses, found, strict=True))


def claim_addresses(addresses: Iterable[str], *, now: datetime) -> set[str]:
    """Takes the addresses that may get a reminder now, in lower case: not unsubscribed, and none lately."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"emails": list(addresses), "now": now, "before": now - AGAIN_AFTER})
        return {row[0] for row in cursor}

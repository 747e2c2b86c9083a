"""Reminders of orders that wait to be paid: once each, when a third of the window is left."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from core import mail
from orders import letters
from orders.models import Order

BATCH = 500

# Those whose window somebody is changing at this moment are left to the next run.
CLAIM = """
UPDATE orders_ordersession SET reminder_sent_at = %(now)s
WHERE id = ANY(ARRAY(
    SELECT id FROM orders_ordersession
    WHERE status = 'active' AND reminder_sent_at IS NULL AND expires_at > %(now)s
      AND expires_at - make_interval(secs => duration_minutes * 20) <= %(now)s
    ORDER BY expires_at FOR NO KEY UPDATE SKIP LOCKED LIMIT %(batch)s))
RETURNING order_id
"""


def send_payment_reminders(*, now: datetime) -> int:
    """Writes a reminder for each order that is due; returns how many. A mail server is asked by another job."""
    total = 0
    while number := remind_batch(now=now):
        total += number
    return total


@transaction.atomic
def remind_batch(*, now: datetime) -> int:
    """Takes up to `BATCH` windows, and writes the mails with it: nobody is reminded twice, nobody is forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "batch": BATCH})
        order_ids = [row[0] for row in cursor.fetchall()]
    orders = Order.objects.filter(id__in=order_ids)
    mail.queue_all([letters.about(order, letters.REMINDER, now=now) for order in orders])
    return len(order_ids)

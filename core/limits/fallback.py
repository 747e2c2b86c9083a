"""Counting in PostgreSQL, while Redis is away: one statement, exact across processes, and only where it matters."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from core.limits.counted import Counted
from core.limits.policies import Counter
from core.models import LimitWindow

# now() is when the statement began, so both columns speak of the same instant. Who waited for the row and began before
# the window that it finds counts in that one.
COUNT = """
    INSERT INTO core_limitwindow AS held (key, used, ends_at) VALUES (%s, 1, now() + make_interval(secs => %s))
    ON CONFLICT (key) DO UPDATE SET
        used = CASE WHEN held.ends_at > now() THEN held.used + 1 ELSE 1 END,
        ends_at = CASE WHEN held.ends_at > now() THEN held.ends_at ELSE excluded.ends_at END
    RETURNING used, extract(epoch FROM ends_at - now())
"""


def count(counter: Counter) -> Counted:
    """Counts one request, for good: not within a transaction, which might take it back.

    Raises:
        RuntimeError: within a transaction.
    """
    key = f"{counter.policy.name}:{counter.client}"
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(COUNT, [key, counter.policy.seconds])
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the statement always returns its row
    used, left = row
    return Counted(counter.policy, used, float(left))


def forget_ended(*, now: datetime) -> int:
    """Deletes the windows that are over; returns how many."""
    deleted, _by_model = LimitWindow.objects.filter(ends_at__lt=now).delete()
    return deleted

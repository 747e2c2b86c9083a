"""Who is here now: a row a minute, and the most of each hour."""

from datetime import datetime, timedelta

from django.db import transaction

from analytics.models import RealtimeHour, RealtimeMetrics
from analytics.selectors import realtime
from analytics.statements import execute, statement
from core.clock import hours_of_day, shop_day

KEPT = timedelta(days=7)


@transaction.atomic
def update_realtime(*, now: datetime) -> RealtimeMetrics:
    """Writes the row of this minute and the most of its hour, and deletes minutes older than 7 days."""
    row, _ = RealtimeMetrics.objects.update_or_create(
        minute=now.replace(second=0, microsecond=0),
        defaults={name: count for name, count in realtime(now=now).items() if name != "timestamp"},
    )
    keep_maxima(now=now)
    RealtimeMetrics.objects.filter(minute__lt=now - KEPT).delete()
    return row


def keep_maxima(*, now: datetime) -> None:
    """Writes the most of this hour, and of those before it since the last one that is kept."""
    last = RealtimeHour.objects.filter(hour__lte=now).first()
    hours = hours_between(last.hour if last else now - KEPT, now)
    execute(statement("realtime_hours"), {"hours": hours, "start": hours[0]})


def hours_between(start: datetime, end: datetime) -> list[datetime]:
    """When the hours began that were running from one instant to another, of days until 7 before."""
    start = max(start, end - KEPT)
    days = (shop_day(end) - shop_day(start)).days
    begins = [hour for n in range(days, -1, -1) for hour in hours_of_day(shop_day(end) - timedelta(days=n))]
    first = max(hour for hour in begins if hour <= start)
    return [hour for hour in begins if first <= hour <= end]

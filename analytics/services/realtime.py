"""Who is here now: a row a minute."""

from datetime import datetime, timedelta

from analytics.models import RealtimeMetrics
from analytics.selectors import realtime

KEPT = timedelta(days=7)


def update_realtime(*, now: datetime) -> RealtimeMetrics:
    """Writes the row of this minute and deletes those older than 7 days."""
    row, _ = RealtimeMetrics.objects.update_or_create(
        minute=now.replace(second=0, microsecond=0),
        defaults={name: count for name, count in realtime(now=now).items() if name != "timestamp"},
    )
    RealtimeMetrics.objects.filter(minute__lt=now - KEPT).delete()
    return row

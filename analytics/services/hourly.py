"""The rows of a day's hours."""

from datetime import date

from analytics.hours import Hour
from analytics.metrics import HOURLY, from_hour
from analytics.models import HourlyMetrics
from core.clock import day_bounds


def replace_hours(*, day: date, hours: list[Hour]) -> None:
    """Makes the stored hours of the day these. Rows that did not change are not written: today's are computed every 5
    minutes.
    """
    start, end = day_bounds(day)
    stored = HourlyMetrics.objects.filter(hour__gte=start, hour__lt=end)
    known = {row.hour: from_hour(vars(row)) for row in stored}
    begins = [hour.begins for hour in hours]
    if known.keys() - set(begins):  # the shop's time zone was another
        stored.exclude(hour__in=begins).delete()
    changed = [row_of(hour) for hour in hours if known.get(hour.begins) != hour.totals]
    HourlyMetrics.objects.bulk_create(changed, update_conflicts=True, unique_fields=["hour"], update_fields=HOURLY)


def row_of(hour: Hour) -> HourlyMetrics:
    """The row of an hour."""
    return HourlyMetrics(hour=hour.begins, **{name: getattr(hour.totals, name) for name in HOURLY})

"""The row of a day. Definitions: docs/metrics.md."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from analytics.hours import Hour, hours_of
from analytics.metrics import HOURLY, added, derived
from analytics.models import DailyMetrics
from analytics.services.breakdown import DROP_TABLES, compute_breakdown, replace_breakdown
from analytics.services.hourly import replace_hours
from analytics.services.order_columns import count_orders
from analytics.services.turns import take_turn
from analytics.statements import execute, one_row, rows
from core.clock import shop_day
from core.errors import InvalidInputError


class RangeError(InvalidInputError):
    """A range of days that ends before it begins; or another that cannot be answered, as the text says."""

    message = "The range ends before it begins."


def aggregate_day(*, day: date, now: datetime) -> DailyMetrics:
    """Computes the row of a day, those of its hours and its breakdown anew, from raw rows, in one transaction.

    The row is final once the day is over. Whoever marks the day dirty while it is being computed is heard: the mark
    stays for the next run. Of a day that is frozen only orders are counted anew (`count_orders`).
    """
    with transaction.atomic():
        take_turn()
        seen = row_version(day)
        if DailyMetrics.objects.filter(date=day, is_frozen=True).exists():
            clear_mark(day, seen)
            count_orders(day=day)
            return DailyMetrics.objects.get(date=day)
        hours = hours_of(day, all_counted=compute_breakdown(day=day))
        row = DailyMetrics(date=day, computed_at=now, is_final=shop_day(now) > day, **figures(day, hours))
        execute(DROP_TABLES)
        clear_mark(day, seen)
        write_row(row)
        replace_hours(day=day, hours=hours)
        replace_breakdown(day=day)
    return row


def figures(day: date, hours: list[Hour]) -> dict[str, Any]:
    """All numbers of the day's row: the sums of its hours, and what follows."""
    totals, unique = added(hour.totals for hour in hours), sum(hour.visitors for hour in hours)
    return {
        **{name: getattr(totals, name) for name in HOURLY},
        **one_row("crawlers", {"day": day}),
        **derived(totals),
        "unique_visits": unique,
        "existing_users": unique - totals.new_users,
    }


def row_version(day: date) -> str | None:
    """PostgreSQL's version of the day's row: changes with every write to it."""
    found = rows("SELECT xmin::text AS version FROM analytics_dailymetrics WHERE date = %(day)s", {"day": day})
    return found[0]["version"] if found else None


def clear_mark(day: date, seen: str | None) -> None:
    """Takes the dirty mark away, unless the row was written after we looked."""
    execute(
        "UPDATE analytics_dailymetrics SET is_dirty = false WHERE date = %(day)s AND xmin::text = %(seen)s",
        {"day": day, "seen": seen},
    )


def write_row(row: DailyMetrics) -> None:
    """Inserts the row or replaces its figures; its marks are left as they are."""
    fields = [field.name for field in DailyMetrics._meta.concrete_fields]
    changed = [name for name in fields if name not in ("date", "is_dirty", "is_frozen")]
    DailyMetrics.objects.bulk_create([row], update_conflicts=True, unique_fields=["date"], update_fields=changed)

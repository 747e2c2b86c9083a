"""Of which days it is counted who came again (`analytics.services.returns`), so that visitors of a range follow."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from analytics.models import DailyMetrics, ReturnsOfDay

MOST_DAYS = 400
"""Days over which visitors are counted at most, and so how far back somebody may have come before."""


def are_counted(first: date, last: date) -> bool:
    """Whether the returns of all these days were counted since their rows were computed."""
    rows = with_counted(DailyMetrics.objects.filter(date__range=(first, last)))
    return are_counted_in({row.date: row for row in rows}, first, last)


def are_counted_in(stored: Mapping[date, Any], first: date, last: date) -> bool:
    """The same of days whose rows were read `with_counted`. Before the first row of all nobody came."""
    begin = next((row.begin for row in stored.values()), None)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return begin is not None and all(day < begin or (day in stored and stored[day].is_counted) for day in days)


def with_counted(rows: QuerySet[DailyMetrics]) -> QuerySet[DailyMetrics]:
    """Rows of days, with whether their returns were counted (`is_counted`) and the first day of all (`begin`)."""
    begin = DailyMetrics.objects.order_by("date").values("date")[:1]
    return rows.annotate(is_counted=Exists(returns_of_row().filter(digest__isnull=False)), begin=Subquery(begin))


def returns_of_row() -> QuerySet[ReturnsOfDay]:
    """What was counted for the row of the outer query as it is now."""
    return ReturnsOfDay.objects.filter(date=OuterRef("date"), computed_at=OuterRef("computed_at"))

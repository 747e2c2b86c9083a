"""Of which days it is counted who came again (`analytics.services.returns`), so that visitors of a range follow."""

from datetime import date

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from analytics.models import DailyMetrics, ReturnsOfDay

MOST_DAYS = 400
"""Days over which visitors are counted at most, and so how far back somebody may have come before."""


def are_counted(first: date, last: date) -> bool:
    """Whether the returns of all these days were counted since their rows were computed. Before the first row of all
    nobody came.
    """
    rows_of_days = DailyMetrics.objects.annotate(is_counted=Exists(returns_of_row().filter(digest__isnull=False)))
    within = Q(is_counted=True, date__range=(first, last))
    found = rows_of_days.aggregate(begin=Min("date"), days=Count("date", filter=within))
    return bool(found["begin"]) and found["days"] == (last - max(first, found["begin"])).days + 1


def returns_of_row() -> QuerySet[ReturnsOfDay]:
    """What was counted for the row of the outer query as it is now."""
    return ReturnsOfDay.objects.filter(date=OuterRef("date"), computed_at=OuterRef("computed_at"))

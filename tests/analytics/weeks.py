"""The week of the tests: it has just ended."""

from datetime import UTC, date, datetime
from typing import Any

from analytics.models import StaffSubscription
from analytics.weekly.weeks import Week
from customers.models import User
from tests.analytics.staff import member

WEEK = Week(date(2026, 3, 2))
MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)
"""When its reports are due."""
KIND = StaffSubscription.Kind.WEEKLY_REPORT
FIGURES = "analytics.view_dailymetrics"


def reader(*permissions: str, **fields: Any) -> User:
    """One of the staff who gets reports."""
    user = member(FIGURES, *permissions)
    User.objects.filter(pk=user.pk).update(**fields)
    StaffSubscription.objects.create(user=user, kind=KIND)
    return User.objects.get(pk=user.pk)

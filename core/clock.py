"""Time as the shop sees it. Instants are aware and in UTC; days are calendar days in `SHOP_TIME_ZONE`."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The present instant, UTC."""
    return timezone.now()


def shop_zone() -> ZoneInfo:
    """The shop's time zone."""
    return ZoneInfo(settings.SHOP_TIME_ZONE)


def shop_day(instant: datetime) -> date:
    """The calendar day of an instant in the shop's time zone."""
    return instant.astimezone(shop_zone()).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of the day and of the next: 23, 24 or 25 hours apart."""
    zone = shop_zone()
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)

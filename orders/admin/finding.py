"""What the screens share: how staff find an order, and what was counted."""

from django.db.models import QuerySet
from django.utils.translation import gettext

from core import counts
from core.clock import now
from core.redis import RedisAwayError
from orders.models import Order

PREFIX = "ORD-"


def numbered(word: str) -> QuerySet[Order]:
    """Orders whose number begins so."""
    return Order.objects.order_by().filter(number__startswith=word.upper())


def counted_text(kind: str) -> str:
    """What was refused or of no use in the last days, by UTC day."""
    try:
        by_day = counts.counts(kind, now=now())
    except RedisAwayError:
        return gettext("Redis is away: what was refused cannot be told now.")
    days = (
        f"{day}: {', '.join(f'{name} {number}' for name, number in found.items())}" for day, found in by_day.items()
    )
    return gettext("Refused or of no use in the last 8 days (UTC): %s.") % ("; ".join(days) or gettext("none"))

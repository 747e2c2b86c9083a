"""What changes the metrics. Definitions of every figure: docs/metrics.md."""

from analytics.services.daily import RangeError, aggregate_day, aggregate_range
from analytics.services.late import aggregate_today, aggregate_yesterday, mark_dirty, refresh_touched
from analytics.services.realtime import update_realtime
from analytics.services.returns import count_missing_returns

__all__ = [
    "RangeError",
    "aggregate_day",
    "aggregate_range",
    "aggregate_today",
    "aggregate_yesterday",
    "count_missing_returns",
    "mark_dirty",
    "refresh_touched",
    "update_realtime",
]

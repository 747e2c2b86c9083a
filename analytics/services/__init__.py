"""What changes the metrics. Definitions of every figure: docs/metrics.md."""

from analytics.services.annotating import annotate
from analytics.services.daily import RangeError, aggregate_day
from analytics.services.freezing import freeze_days
from analytics.services.late import aggregate_today, aggregate_yesterday, mark_dirty, refresh_touched
from analytics.services.ranges import begin_run, finish_run, stopped_run
from analytics.services.realtime import update_realtime
from analytics.services.returns import count_missing_returns
from analytics.services.subscribing import subscribe

__all__ = [
    "RangeError",
    "aggregate_day",
    "aggregate_today",
    "aggregate_yesterday",
    "annotate",
    "begin_run",
    "count_missing_returns",
    "finish_run",
    "freeze_days",
    "mark_dirty",
    "refresh_touched",
    "stopped_run",
    "subscribe",
    "update_realtime",
]

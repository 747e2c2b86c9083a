"""What must have happened once, and by when."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from core.clock import now
from orders.models import Order, OutboxEvent
from tests.promises.crew import job_named

TWO_MINUTES = timedelta(minutes=2)


def let_the_lease_end(job: str, rows: QuerySet[Any], field: str, *, since: datetime) -> None:
    """As if time had passed; not more than two minutes `since` a worker died to the job's next turn."""
    until = rows.aggregate(until=Max(field))["until"]
    assert until - since + every(job) <= TWO_MINUTES, f"it was taken until {until}"
    assert rows.update(**{field: now() - timedelta(seconds=10)})


def every(job: str) -> timedelta:
    """How long it is at most to a job's next turn."""
    return timedelta(seconds=job_named(job).seconds)


def happened(order: Order, *ends: str) -> None:
    """The order came to this by these steps and no others. Others hear of each step, and of nothing twice."""
    steps = [change.new for change in order.history.filter(field="status")]
    assert steps == ["pending", *ends]
    topics = {"pending": "order.created", "success": "order.paid"}
    heard = Counter(OutboxEvent.objects.filter(payload__orderId=str(order.pk)).values_list("topic", flat=True))
    assert {topics.get(step, f"order.{step}") for step in steps} <= set(heard)
    assert set(heard.values()) == {1}

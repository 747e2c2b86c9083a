"""Reads of visits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from core import redis as core_redis
from core.redis import RedisAwayError
from sessions_app.models import Channel, VisitorSession
from sessions_app.state import ACTIVE

ATTRIBUTION_WINDOW = timedelta(days=30)


def active_session_count(*, since: datetime) -> int:
    """Distinct sessions seen since then; PostgreSQL answers when Redis is away."""
    try:
        count: int = core_redis.call(lambda client: client.zcount(ACTIVE, since.timestamp(), "+inf"))
    except RedisAwayError:
        return VisitorSession.objects.filter(last_seen_at__gte=since, ended_at=None).count()
    return count


@dataclass(frozen=True)
class Attribution:
    """The touches that an order keeps: the first, and the last that was not direct, within 30 days."""

    first: dict[str, Any]
    last: dict[str, Any]


NO_TOUCHES = Attribution({}, {})


# The oldest visit and the newest ones: an id of the day may be shared by all who sit behind one address.
TOUCHES = """
WITH visit AS NOT MATERIALIZED (
    SELECT started_at, session_id, touches FROM sessions_app_visitorsession WHERE visitor_id = %s AND started_at >= %s
)
(SELECT * FROM visit ORDER BY started_at LIMIT 1)
UNION (SELECT * FROM visit ORDER BY started_at DESC LIMIT 500)
ORDER BY started_at
"""


def attribution(*, visitor_id: UUID, now: datetime) -> Attribution:
    """The touches of a visitor. Without any that was not direct, the last is direct."""
    with connection.cursor() as cursor:
        cursor.execute(TOUCHES, [visitor_id, now - ATTRIBUTION_WINDOW])
        touches = [touch for (*_visit, found) in cursor for touch in json.loads(found)]
    if not touches:
        return NO_TOUCHES
    named = [touch for touch in touches if touch.get("channel", Channel.DIRECT) != Channel.DIRECT]
    return Attribution(first=touches[0], last=(named or touches)[-1])


def begun_at(session_id: UUID) -> datetime | None:
    """When a visit began; None if it has no row."""
    return VisitorSession.objects.filter(pk=session_id).values_list("started_at", flat=True).first()

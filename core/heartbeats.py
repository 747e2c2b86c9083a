"""Signs of life of whoever does the shop's work beside the web: when beat last sent a job, and when a worker of each
queue last took one up or was at one. In Redis, which hands the jobs on.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from core import redis as core_redis
from core.redis import RedisAwayError

KEY = "heartbeats:{ops}"
BEAT = "beat"
EVERY_SECONDS = 5
"""How often each notes that it lives."""
SILENT_SECONDS = 60
"""Whoever was not heard of for longer is not there. Each queue gets a job every ten seconds at least."""


def note(names: Collection[str], *, now: datetime) -> None:
    """These live: `BEAT`, or the names of queues. Nothing is noted while Redis is away. `now` is UTC."""
    if names:
        with suppress(RedisAwayError):
            core_redis.call(lambda client: client.hset(KEY, mapping=dict.fromkeys(names, now.timestamp())))


def ages(names: Collection[str], *, now: datetime) -> dict[str, float]:
    """Seconds since each of these was heard of; infinity if that never was. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    found: list[bytes | None] = core_redis.call(lambda client: client.hmget(KEY, list(names)))
    heard = dict(zip(names, found, strict=True))
    return {name: max(now.timestamp() - float(at), 0) if at else math.inf for name, at in heard.items()}

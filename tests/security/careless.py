"""The shop without what keeps limits: it counts by reading and then writing, and not at all without Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from config.wsgi import application
from core import redis as core_redis
from core.limits import counting, windows
from core.limits.counted import Counted
from core.limits.policies import Counter

__all__ = ["application"]


def read_and_write(counters: Sequence[Counter], *, endpoint: str, now: datetime) -> list[Counted]:
    """What somebody else wrote in between is lost."""
    key = counters[-1].key
    used = int(core_redis.call(lambda client: client.get(key)) or 0) + 1
    time.sleep(0.02)
    core_redis.call(lambda client: client.set(key, used))
    return [Counted(counters[-1].policy, used, 60.0)]


windows.count = read_and_write
vars(counting)["KEPT_WITHOUT_REDIS"] = frozenset()

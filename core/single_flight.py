"""One answer for all who ask at the same time: one of them works it out, the others take what is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar, cast

from django.conf import settings
from django.core.cache import cache

from core import measured
from core import redis as core_redis
from core.redis import RedisAwayError

T = TypeVar("T")
LARGEST_SHARE = 0.01
"""Of the time, for working out one answer. What takes long is worked out seldom, however many ask."""
LONGEST_SECONDS = 300
CLAIM_SECONDS = 30
"""For which others leave it to whoever began; then they no longer believe that it will end."""
STALE_SECONDS = 60
"""For which an answer is told after its time, while the next one is being worked out."""
PATIENCE_SECONDS = 1.0
STEP_SECONDS = 0.02


def once(name: str, make: Callable[[], T], *, seconds: float) -> T:
    """What `make` answers, asked at most once in so many seconds by all processes together.

    It is kept longer if it took long: `LARGEST_SHARE`. With Redis away everybody works it out. What stands before the
    first colon of the name says what kind it is.
    """
    kind = name.partition(":")[0]
    key = f"once:{settings.VERSION}:{name}"
    try:
        if not is_mine(key) and (kept := awaited(key)) is not None:
            measured.looked_up(kind, found=1)
            return cast(T, kept)
    except RedisAwayError:
        return make()
    measured.looked_up(kind, missed=1)
    return made(key, make, seconds)


def is_mine(key: str) -> bool:
    """Whether the answer is due and nobody is at it: from now on this caller is. One atomic command.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    claimed = core_redis.call(lambda client: client.set(claim(key), 1, nx=True, ex=CLAIM_SECONDS))
    return bool(claimed)


def claim(key: str) -> str:
    """What stands in Redis while the answer is being worked out or need not be."""
    return f"{key}:claim"


def awaited(key: str) -> object:
    """The answer that is kept; the first one ever is waited for a moment. None if it does not come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (kept := cache.get(key)) is None and time.monotonic() < deadline:
        time.sleep(STEP_SECONDS)
    return cast(object, kept)


def made(key: str, make: Callable[[], T], seconds: float) -> T:
    """Works the answer out and keeps it. If that fails, it is left alone for as long as a claim lasts."""
    began = time.monotonic()
    answer = make()
    life = min(max(seconds, (time.monotonic() - began) / LARGEST_SHARE), LONGEST_SECONDS)
    cache.set(key, answer, math.ceil(life) + STALE_SECONDS)
    try:
        core_redis.call(lambda client: client.set(claim(key), 1, px=math.ceil(1000 * life)))
    except RedisAwayError:
        return answer  # the next one who asks works it out
    return answer

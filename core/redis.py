"""Redis for live state, behind a breaker: nothing waits for a dead Redis more than once every few seconds."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")
PAUSE_SECONDS = 2.0
Client = Any
"""redis-py types its answers as unions of everything it could ever be; each caller here says what it gets."""


class RedisAwayError(Exception):
    """Redis cannot be asked now. Callers serve from PostgreSQL instead."""


class Breaker:
    """Closed: calls pass. A failure opens it for `PAUSE_SECONDS`, in which calls fail at once."""

    def __init__(self) -> None:
        self.closed_after = 0.0

    def call(self, work: Callable[[Client], T]) -> T:
        """Runs `work` with the client.

        Raises:
            RedisAwayError: the breaker is open, or the call failed and opened it.
        """
        if time.monotonic() < self.closed_after:
            raise RedisAwayError
        try:
            return work(client())
        except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError) as error:
            self.closed_after = time.monotonic() + PAUSE_SECONDS
            log.warning("redis is away: %s", error)
            raise RedisAwayError from error


@cache
def client() -> Client:
    """The process's client: short timeouts, no retries."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


breaker = Breaker()
call = breaker.call

"""What every test stands on: an empty Redis, an e-mail outbox, no breaker left open by the test before."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from core import redis as core_redis
from sessions_app.salts import salt_of


@pytest.fixture(autouse=True)
def fresh_redis() -> Iterator[None]:
    """Each test has this worker's Redis database for itself, empty."""
    core_redis.breaker.closed_after = 0.0
    core_redis.client().flushdb()
    cache.clear()
    salt_of.cache_clear()
    yield
    core_redis.breaker.closed_after = 0.0

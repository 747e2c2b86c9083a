"""Celery's queues, in a Redis of their own if CELERY_BROKER_URL says so."""

from __future__ import annotations

from collections.abc import Sequence

import redis
from django.conf import settings

from core import redis as core_redis
from core.redis import Client, RedisAwayError


def lengths(names: Sequence[str]) -> dict[str, int]:
    """Messages that no worker has taken yet, by queue; nothing of a broker that is no Redis: it tells that itself.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    if settings.QUEUES_URL == settings.REDIS_URL:
        return dict(zip(names, core_redis.call(lambda client: asked(client, names)), strict=True))
    address = settings.QUEUES_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    if not address.startswith(("redis://", "rediss://", "unix://")):
        return {}
    try:
        with redis.Redis.from_url(address, **core_redis.patience()) as client:
            return dict(zip(names, asked(client, names), strict=True))
    except redis.RedisError as error:
        raise RedisAwayError from error


def asked(client: Client, names: Sequence[str]) -> list[int]:
    """The lengths of these queues."""
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.llen(name)
    return list(pipe.execute())

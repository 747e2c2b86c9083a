"""When each job last ended well. In Redis, so that it outlives the workers.

What jobs did that are not of the schedule any more is forgotten: one that is taken in again counts from then.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime

from core import redis as core_redis
from core.redis import Client, RedisAwayError

KEY = "succeeded:{ops}"


def note(task: str, *, now: datetime) -> None:
    """The task ended well. Nothing is noted while Redis is away. `now` is UTC."""
    with suppress(RedisAwayError):
        core_redis.call(lambda client: client.hset(KEY, task, now.timestamp()))


def latest(tasks: Collection[str], *, now: datetime) -> dict[str, datetime]:
    """When each of these tasks of the schedule last ended well; one that never did counts from when it was first asked
    about. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def read(client: Client) -> dict[bytes, bytes]:
        pipe = client.pipeline(transaction=False)
        for task in tasks:
            pipe.hsetnx(KEY, task, now.timestamp())
        pipe.hgetall(KEY)
        found: dict[bytes, bytes] = pipe.execute()[-1]
        if others := found.keys() - {task.encode() for task in tasks}:
            client.hdel(KEY, *others)
        return found

    found = core_redis.call(read)
    return {task: datetime.fromtimestamp(float(found[task.encode()]), UTC) for task in tasks}

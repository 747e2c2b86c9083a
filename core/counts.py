"""How often something happened, by UTC day: counted in Redis for whoever looks after the shop, and kept 8 days.

While Redis is away nothing is counted; what matters stands in the log as well.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta

from core import redis as core_redis
from core.redis import Client, RedisAwayError

DAYS_KEPT = 8
ByDay = dict[str, dict[str, int]]
kinds: dict[str, str] = {}


def register(kind: str, meaning: str) -> None:
    """Makes a kind known to whoever lists them; called when an app is ready. `meaning` is for people."""
    kinds[kind] = meaning


def count(kind: str, name: str, *, now: datetime) -> int | None:
    """Counts one; how many there were on this day with it, None while Redis is away. `now` is UTC."""

    def write(client: Client) -> int:
        key = key_of(kind, now.date())
        with client.pipeline(transaction=False) as pipe:
            pipe.hincrby(key, name, 1)
            pipe.expire(key, DAYS_KEPT * 24 * 60 * 60)
            return int(pipe.execute()[0])

    try:
        return core_redis.call(write)
    except RedisAwayError:
        return None


def note(log: logging.Logger, kind: str, name: str, text: str, *, now: datetime, level: int = logging.WARNING) -> None:
    """Counts one, and now and then logs `text` with how many there were. `now` is UTC."""
    number = count(kind, name, now=now)
    if is_worth_a_line(number):
        log.log(level, "%s (%s of today)", text, "?" if number is None else number)


def is_worth_a_line(number: int | None) -> bool:
    """Whether to log it: the 1st, 10th, 100th... of a day, so that strangers cannot fill the log. All without Redis."""
    return number is None or str(number).rstrip("0") == "1"


def counts(kind: str, *, now: datetime) -> ByDay:
    """What was counted, by day (the newest first) and name. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return read_days(lambda day: key_of(kind, day), now=now)


def read_days(key: Callable[[date], str], *, now: datetime) -> ByDay:
    """The hashes of the last days, those that are there.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    days = [now.date() - timedelta(days=ago) for ago in range(DAYS_KEPT)]

    def read(client: Client) -> list[dict[bytes, bytes]]:
        pipe = client.pipeline(transaction=False)
        for day in days:
            pipe.hgetall(key(day))
        return list(pipe.execute())

    return {
        day.isoformat(): {name.decode(): int(number) for name, number in sorted(found.items())}
        for day, found in zip(days, core_redis.call(read), strict=True)
        if found
    }


def key_of(kind: str, day: date) -> str:
    """The counters of a kind on a UTC day."""
    return f"count:{kind}:{day.isoformat()}"

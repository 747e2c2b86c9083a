"""How many calls to providers came to nothing lately: counted in Redis by minute, not at all while that is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core import redis as core_redis
from core.redis import Client, RedisAwayError

HOUR = timedelta(hours=1)
LATEST = timedelta(minutes=5)
KEPT_SECONDS = 3 * 60 * 60


@dataclass(frozen=True)
class Calls:
    """Calls, and those of them to which no useful answer came."""

    asked: int = 0
    failed: int = 0

    @property
    def share(self) -> float:
        """Failed ones in percent."""
        return 100 * self.failed / max(self.asked, self.failed, 1)


def note(what: Literal["asked", "failed"], *, now: datetime) -> None:
    """Counts a call, or that it failed. `now` is UTC."""

    def write(client: Client) -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.hincrby(key_of(now), f"{what}:{now.minute}", 1)
            pipe.expire(key_of(now), KEPT_SECONDS)
            pipe.execute()

    try:
        core_redis.call(write)
    except RedisAwayError:
        return


def calls_lately(*, now: datetime) -> Calls:
    """Those of this UTC hour and the one before. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return calls_since(now.replace(minute=0) - HOUR, now=now)


def latest_calls(*, now: datetime) -> Calls:
    """Those of the last five minutes. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    return calls_since(now - LATEST, now=now)


def calls_since(since: datetime, *, now: datetime) -> Calls:
    """What was counted from that minute on, which is of this UTC hour or the one before.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def read(client: Client) -> list[dict[bytes, bytes]]:
        pipe = client.pipeline(transaction=False)
        for hour in hours:
            pipe.hgetall(key_of(hour))
        return list(pipe.execute())

    hours = (now - HOUR, now)
    counted = {"asked": 0, "failed": 0}
    for hour, found in zip(hours, core_redis.call(read), strict=True):
        for field, number in found.items():
            what, _, minute = field.decode().partition(":")
            if hour.replace(minute=int(minute), second=0, microsecond=0) >= since.replace(second=0, microsecond=0):
                counted[what] += int(number)
    return Calls(**counted)


def key_of(instant: datetime) -> str:
    """The counters of the UTC hour of an instant."""
    return f"calls:minutes:{instant:%Y-%m-%dT%H}"

"""How many calls to providers came to nothing lately: counted in Redis by UTC hour, not at all while that is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core import redis as core_redis
from core.redis import Client, RedisAwayError

HOUR = timedelta(hours=1)
KEPT_SECONDS = 3 * 60 * 60


@dataclass(frozen=True)
class Calls:
    """Calls of this UTC hour and the one before, and those of them to which no useful answer came."""

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
            pipe.hincrby(key_of(now), what, 1)
            pipe.expire(key_of(now), KEPT_SECONDS)
            pipe.execute()

    try:
        core_redis.call(write)
    except RedisAwayError:
        return


def calls_lately(*, now: datetime) -> Calls:
    """What was counted. `now` is UTC.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """

    def read(client: Client) -> list[dict[bytes, bytes]]:
        pipe = client.pipeline(transaction=False)
        for hour in (now, now - HOUR):
            pipe.hgetall(key_of(hour))
        return list(pipe.execute())

    found = core_redis.call(read)
    asked, failed = (sum(int(hour.get(name, 0)) for hour in found) for name in (b"asked", b"failed"))
    return Calls(asked, failed)


def key_of(instant: datetime) -> str:
    """The counters of the UTC hour of an instant."""
    return f"calls:{instant:%Y-%m-%dT%H}"

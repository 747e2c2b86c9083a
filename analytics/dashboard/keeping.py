"""Tiles kept in Redis as they were drawn, each with its age. A stale one is shown until a fresh one is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from django.conf import settings

from analytics.dashboard.asked import Asked
from core import redis as core_redis
from core.clock import shop_day, shop_zone
from core.redis import Client, RedisAwayError

KEPT_SECONDS = 24 * 60 * 60
FRESH = timedelta(seconds=60)
FRESH_IF_OVER = timedelta(minutes=5)
"""So long a tile is as good as new; of days that are over, longer."""


@dataclass(frozen=True)
class Drawn:
    """A tile as HTML, and when that was made."""

    html: str
    at: datetime

    @property
    def clock(self) -> str:
        """When that was, by the shop's clock."""
        return f"{self.at.astimezone(shop_zone()):%H:%M:%S}"

    def is_fresh(self, *, now: datetime, is_over: bool) -> bool:
        """Whether it need not be made anew."""
        return now - self.at < (FRESH_IF_OVER if is_over else FRESH)


def place(asked: Asked, viewer: str, *, now: datetime) -> str:
    """Under what the tiles of a page are kept: all that they depend on but time. `viewer` says what they may see.

    The day is part of it: tomorrow the same address means other days.
    """
    query = "&".join(f"{part}={value}" for part, value in sorted(asked.query().items()))
    shop = f"{settings.VERSION} {settings.SHOP_TIME_ZONE} {settings.SHOP_CURRENCY} {shop_day(now)}"
    return blake2b(f"{shop}\n{viewer}\n{query}".encode(), digest_size=16).hexdigest()


def key(at: str, name: str) -> str:
    """The key of a tile. All of a page are on one node of a cluster."""
    return f"dashboard:{{{at}}}:{name}"


def kept(names: Sequence[str], at: str) -> dict[str, Drawn]:
    """The tiles that are there, by name; none while Redis is away."""
    try:
        found = core_redis.call(lambda client: client.mget([key(at, name) for name in names]))
    except RedisAwayError:
        return {}
    return {name: read(text) for name, text in zip(names, found, strict=True) if text}


def keep(made: Mapping[str, Drawn], at: str) -> None:
    """Keeps tiles, by name, in one trip; while Redis is away nothing is kept."""

    def write(client: Client) -> None:
        pipe = client.pipeline(transaction=False)
        for name, drawn in made.items():
            text = json.dumps({"html": drawn.html, "at": drawn.at.isoformat()})
            pipe.set(key(at, name), text, ex=KEPT_SECONDS)
        pipe.execute()

    with suppress(RedisAwayError):
        core_redis.call(write)


def read(text: bytes) -> Drawn:
    """A tile as it was kept."""
    found = json.loads(text)
    return Drawn(found["html"], datetime.fromisoformat(found["at"]))

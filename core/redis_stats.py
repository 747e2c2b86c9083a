"""What Redis holds and how it fares. Nothing here changes anything.

On a big shop keys are sampled: the figures are then estimates, and say so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core import redis as core_redis
from core.redis import Client

SCANNED_KEYS = 20_000
SCAN_STEP = 1_000
MEASURED_KEYS = 30
"""Keys of a prefix whose memory is asked for."""
SHOWN_PREFIXES = 12
REST = "(other)"
PREFIX = re.compile(r"[^:.{]+")


@dataclass(frozen=True)
class Prefix:
    """The keys that begin alike. Both figures are estimates unless `Keys.complete`; memory always is."""

    name: str
    keys: int
    bytes: int


@dataclass(frozen=True)
class Keys:
    """The keys of this Redis database. `looked_at` of `total` were sorted by prefix."""

    total: int
    looked_at: int
    complete: bool
    prefixes: list[Prefix]


@dataclass(frozen=True)
class Server:
    """Redis itself. `hits` and `misses` are look-ups since it started; `evicted` keys had to leave for want of room."""

    name: str
    version: str
    memory_bytes: int
    memory_limit_bytes: int
    append_only: bool
    hits: int
    misses: int
    evicted: int


def keys() -> Keys:
    """The keys by prefix, from as many as `SCANNED_KEYS`; the database is scanned in no order, so that is a sample.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    total: int = core_redis.call(lambda client: client.dbsize())
    found, complete = scan()
    by_prefix = defaultdict(list)
    for key in found:
        by_prefix[prefix_of(key)].append(key)
    scale = 1.0 if complete or not found else total / len(found)
    prefixes = [measure(name, members, scale) for name, members in by_prefix.items()]
    return Keys(total=total, looked_at=len(found), complete=complete, prefixes=largest(prefixes))


def scan() -> tuple[set[bytes], bool]:
    """Keys, about `SCANNED_KEYS` at most, and whether those are all."""
    found: set[bytes] = core_redis.call(lambda client: set(islice(client.scan_iter(count=SCAN_STEP), SCANNED_KEYS)))
    return found, len(found) < SCANNED_KEYS


def prefix_of(key: bytes) -> str:
    """The first word of a key."""
    text = key.decode("utf-8", "replace")
    word = PREFIX.match(text)
    return word.group() if word else text[:1]


def measure(name: str, members: Sequence[bytes], scale: float) -> Prefix:
    """Keys and memory of a prefix, from the memory of some of its keys."""

    def ask(client: Client) -> list[int | None]:
        pipe = client.pipeline(transaction=False)
        for key in members[:MEASURED_KEYS]:
            pipe.memory_usage(key)
        return list(pipe.execute())

    sizes = [size for size in core_redis.call(ask) if size is not None]
    number = round(len(members) * scale)
    return Prefix(name, number, round(sum(sizes) / len(sizes) * number) if sizes else 0)


def largest(prefixes: Sequence[Prefix]) -> list[Prefix]:
    """The prefixes that take most, and the rest as one."""
    ordered = sorted(prefixes, key=lambda prefix: (-prefix.bytes, prefix.name))
    shown, rest = ordered[:SHOWN_PREFIXES], ordered[SHOWN_PREFIXES:]
    if rest:
        shown.append(Prefix(REST, sum(prefix.keys for prefix in rest), sum(prefix.bytes for prefix in rest)))
    return shown


def server() -> Server:
    """Redis's own account of itself.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    told: dict[str, Any] = core_redis.call(lambda client: client.info())
    name = str(told.get("server_name") or "redis")
    return Server(
        name=name,
        version=str(told.get(f"{name}_version") or told["redis_version"]),
        memory_bytes=told["used_memory"],
        memory_limit_bytes=told["maxmemory"],
        append_only=bool(told["aof_enabled"]),
        hits=told["keyspace_hits"],
        misses=told["keyspace_misses"],
        evicted=told["evicted_keys"],
    )

"""How long things take and how they end, and how often: added up in each process, and every few seconds to what Redis
holds of all.

So any web process tells Prometheus of all processes, also of those that have ended. What a process that is killed had
not handed over is lost, as is what one counted while Redis was away for longer than it lived: figures, not events.
"""

from __future__ import annotations

import json
import os
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from core import redis as core_redis
from core.redis import Client, RedisAwayError

KEY = "measured:{ops}"
EVERY_SECONDS = 5.0
SUM = -1
"""In the place of a bucket: the seconds themselves."""
Name = tuple[str, tuple[str, ...]]
"""A kind and its labels."""
Cells = dict[int, float]
"""How many fell into each bucket, by its place (the one behind the last has all that took longer), and SUM."""


@dataclass(frozen=True)
class Kind:
    """What is measured: its name in Prometheus, what it says, its labels, and the edges of its buckets in seconds; none
    for what is only counted.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]
    edges: tuple[float, ...]


kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Makes a kind known to whoever tells of it."""
    kinds[kind.name] = kind
    return kind


QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0)
REQUESTS = register(
    Kind("footfall_request_seconds", "Requests until their answer begins.", ("method", "route", "status"), QUICK)
)
JOBS = register(Kind("footfall_job_seconds", "Runs of jobs.", ("task", "outcome"), SLOW))
BILLING = register(Kind("footfall_billing_seconds", "Calls to whoever takes the money.", ("call", "outcome"), QUICK))
KEPT = register(Kind("footfall_cache_lookups", "Answers looked for among those kept.", ("cache", "found"), ()))
FOUND = {True: "yes", False: "no"}


class Sums:
    """What this process has not handed over yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.noted: defaultdict[Name, Cells] = empty()
        self.handed_over = time.monotonic()

    def add(self, kind: Kind, labels: tuple[str, ...], seconds: float) -> None:
        """One more."""
        bucket = bisect_left(kind.edges, seconds)
        with self.lock:
            cells = self.noted[kind.name, labels]
            cells[bucket] += 1
            cells[SUM] += seconds

    def count(self, kind: Kind, labels: tuple[str, ...], number: int) -> None:
        """So many more of what is only counted."""
        with self.lock:
            self.noted[kind.name, labels][0] += number

    def take(self) -> dict[Name, Cells]:
        """All of it; there is nothing afterwards."""
        with self.lock:
            taken, self.noted, self.handed_over = self.noted, empty(), time.monotonic()
        return taken

    def give_back(self, taken: dict[Name, Cells]) -> None:
        """What could not be handed over."""
        with self.lock:
            for name, cells in taken.items():
                for bucket, number in cells.items():
                    self.noted[name][bucket] += number


def empty() -> defaultdict[Name, Cells]:
    """Nothing noted yet."""
    return defaultdict(lambda: defaultdict(int))


sums = Sums()
os.register_at_fork(after_in_child=sums.take)  # it is the parent's to hand over


def observe(kind: Kind, labels: tuple[str, ...], seconds: float) -> None:
    """Notes how long something took, and how it ended, as its kind's labels say. Once in a few seconds whoever comes
    hands over what all have noted: a round trip.
    """
    sums.add(kind, labels, seconds)
    hand_over_at_times()


def looked_up(cache: str, *, found: int = 0, missed: int = 0) -> None:
    """Notes how many answers of a kind were kept, and how many had to be made."""
    for is_found, number in ((True, found), (False, missed)):
        if number:
            sums.count(KEPT, (cache, FOUND[is_found]), number)
    hand_over_at_times()


def hand_over_at_times() -> None:
    """Hands over, if the last time was a few seconds ago."""
    if time.monotonic() - sums.handed_over > EVERY_SECONDS:
        hand_over()


def hand_over() -> None:
    """Adds what this process has noted to what Redis holds; kept for the next time while Redis is away."""
    taken = sums.take()
    if not taken:
        return
    try:
        core_redis.call(lambda client: write(client, taken))
    except RedisAwayError:
        sums.give_back(taken)


def write(client: Client, taken: dict[Name, Cells]) -> None:
    """All at once, or nothing: else a part would be counted twice."""
    pipe = client.pipeline(transaction=True)
    for (name, labels), cells in taken.items():
        for bucket, number in cells.items():
            field = json.dumps([name, *labels, bucket])
            if bucket == SUM:
                pipe.hincrbyfloat(KEY, field, number)
            else:
                pipe.hincrby(KEY, field, int(number))
    pipe.execute()


@dataclass(frozen=True)
class Series:
    """What is known of things with the same labels: how many fell into each bucket, and their seconds together."""

    kind: Kind
    labels: tuple[str, ...]
    counts: list[int]
    seconds: float


def series() -> Iterator[Series]:
    """What Redis holds, this process's own part included.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    hand_over()
    found: dict[tuple[str, tuple[str, ...]], dict[int, float]] = {}
    cells: dict[bytes, bytes] = core_redis.call(lambda client: client.hgetall(KEY))
    for field, number in cells.items():
        name, *labels, bucket = json.loads(field)
        found.setdefault((name, tuple(labels)), {})[bucket] = float(number)
    for (name, labels_of), buckets in sorted(found.items()):
        if kind := kinds.get(name):
            counts = [int(buckets.get(place, 0)) for place in range(len(kind.edges) + 1)]
            yield Series(kind, labels_of, counts, buckets.get(SUM, 0.0))


@dataclass(frozen=True)
class Lookups:
    """Of one cache, since Redis has counted: how many answers it had, and how many had to be made."""

    found: int
    missed: int


def lookups() -> dict[str, Lookups]:
    """By cache, those that were ever asked.

    Raises:
        RedisAwayError: Redis cannot be asked.
    """
    told = {each.labels: sum(each.counts) for each in series() if each.kind is KEPT}
    caches = sorted({cache for cache, _found in told})
    return {cache: Lookups(*(told.get((cache, FOUND[found]), 0) for found in (True, False))) for cache in caches}

"""What Redis has counted and measured. Counters of a day begin at zero with each UTC day, as a counter does whose
process was restarted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from core import clock, counts, limits, measured, redis_stats
from core.measured import Kind
from core.redis import RedisAwayError


class CountedToday(Collector):
    """What is counted by day, today's."""

    def describe(self) -> list[Metric]:
        """Nothing: registering it must not ask Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What was refused by limit and endpoint, and what else is counted by kind; none of it while Redis is away."""
        now = clock.now()
        try:
            refused = limits.refusals(now=now)
            counted = {kind: counts.counts(kind, now=now) for kind in sorted(counts.kinds)}
        except RedisAwayError:
            yield redis_up(0)
            return
        yield redis_up(1)
        today = now.astimezone(UTC).date().isoformat()
        yield refusals_of(refused.get(today, {}))
        happened = CounterMetricFamily("footfall_counted", "What cache_stats counts, today.", labels=["kind", "name"])
        for kind, by_day in counted.items():
            for name, number in by_day.get(today, {}).items():
                happened.add_metric([kind, name], number)
        yield happened


def refusals_of(day: Mapping[str, Mapping[str, int]]) -> Metric:
    """A day's refused requests."""
    labels = ["limit", "endpoint"]
    refusals = CounterMetricFamily("footfall_requests_refused", "Requests over a limit, today.", labels=labels)
    for limit, by_endpoint in day.items():
        for endpoint, number in by_endpoint.items():
            refusals.add_metric([limit, endpoint], number)
    return refusals


def redis_up(value: int) -> Metric:
    """Whether Redis answers."""
    return GaugeMetricFamily("footfall_redis_up", "Whether Redis answers.", value=value)


class Measured(Collector):
    """How long things took."""

    def describe(self) -> list[Metric]:
        """Nothing: registering it must not ask Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """A histogram a kind, or a counter; none of it while Redis is away."""
        families = {kind.name: family_of(kind) for kind in measured.kinds.values()}
        try:
            for found in measured.series():
                family = families[found.kind.name]
                if isinstance(family, CounterMetricFamily):
                    family.add_metric(found.labels, sum(found.counts))
                    continue
                edges = [*map(str, found.kind.edges), "+Inf"]
                buckets = list(zip(edges, accumulate(found.counts), strict=True))
                family.add_metric(found.labels, buckets, found.seconds)
        except RedisAwayError:
            return
        yield from families.values()


def family_of(kind: Kind) -> HistogramMetricFamily | CounterMetricFamily:
    """What Prometheus has of a kind, empty."""
    family = HistogramMetricFamily if kind.edges else CounterMetricFamily
    return family(kind.name, kind.meaning, labels=kind.labels)


class RedisItself(Collector):
    """What Redis says of itself, counted since it started."""

    def describe(self) -> list[Metric]:
        """Nothing: registering it must not ask Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """How often it found what it was asked for, and its memory; none of it while it is away."""
        try:
            server = redis_stats.server()
        except RedisAwayError:
            return
        lookups = CounterMetricFamily("footfall_redis_lookups", "Look-ups of keys in Redis.", labels=["found"])
        lookups.add_metric(["yes"], server.hits)
        lookups.add_metric(["no"], server.misses)
        yield lookups
        yield GaugeMetricFamily("footfall_redis_memory_bytes", "Memory of Redis.", value=server.memory_bytes)
        limit = server.memory_limit_bytes
        yield GaugeMetricFamily("footfall_redis_memory_limit_bytes", "What it may take; 0 is no limit.", value=limit)

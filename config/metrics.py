"""`GET /metrics`: what Prometheus reads, from the addresses of `METRICS_ALLOWLIST`; for others there is no such page.

Counters stand in Redis, so any web process answers for all. They begin at zero with each UTC day, as a counter does
whose process was restarted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core import clock, counts, limits
from core.net import client_ip, is_within
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


registry = CollectorRegistry(auto_describe=False)
registry.register(CountedToday())


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, in Prometheus' text format.

    Raises:
        Http404: the address is on no list.
    """
    if not is_within(client_ip(request), settings.METRICS_ALLOWLIST):
        raise Http404
    body: Any = generate_latest(registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)

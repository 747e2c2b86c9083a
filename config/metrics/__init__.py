"""`GET /metrics`: what Prometheus reads, from the addresses of `METRICS_ALLOWLIST`; for others there is no such page.

What is told is in PostgreSQL and Redis, so any web process answers for all.
"""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from config.metrics.counted import CountedToday, Measured, RedisItself
from config.metrics.state import State
from core.net import client_ip, is_within

registry = CollectorRegistry(auto_describe=False)
for collector in (State(), Measured(), RedisItself(), CountedToday()):
    registry.register(collector)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, in Prometheus' text format.

    Raises:
        Http404: the address is on no list.
    """
    if not is_within(client_ip(request), settings.METRICS_ALLOWLIST):
        raise Http404
    body: Any = generate_latest(registry)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)

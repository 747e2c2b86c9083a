"""Whether the shop can serve: for people (`/api/v1/health`) and for an orchestrator (`/livez`, `/readyz`)."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from analytics.models import RealtimeMetrics
from config.queues import lengths
from core import redis as core_redis
from core.clock import now
from core.redis import RedisAwayError
from orders.providers import registry
from orders.providers.contract import PollError

BEAT_LATE = timedelta(minutes=3)


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """The shop can serve: PostgreSQL answers."""
    ready = database_answers()
    return HttpResponse("ok" if ready else "not ready", status=200 if ready else 503, content_type="text/plain")


def health(request: HttpRequest) -> JsonResponse:
    """`ok`, or `degraded` when the shop serves but something is away; 503 when it cannot serve. Details for staff."""
    checks = {"database": database_answers(), "redis": redis_answers(), "billing": provider_is_configured()}
    checks["beat"] = checks["database"] and beat_runs(now())
    checks["worker"] = checks["redis"] and checks["beat"] and queue_moves()
    body: dict[str, Any] = {
        "status": "ok" if all(checks.values()) else "degraded",
        "timestamp": now().isoformat().replace("+00:00", "Z"),
        "version": settings.VERSION,
    }
    if checks["database"] and request.user.is_staff:
        body["checks"] = {name: "ok" if good else "failing" for name, good in checks.items()}
    return JsonResponse(body, status=200 if checks["database"] else 503)


def provider_is_configured() -> bool:
    """Whether whoever takes the money of new orders is known and has its keys."""
    try:
        registry.provider_of(settings.PAYMENT_PROVIDER)
    except PollError:
        return False
    return True


def database_answers() -> bool:
    """Whether PostgreSQL answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout):
        return False
    return True


def redis_answers() -> bool:
    """Whether Redis answers a ping."""
    try:
        core_redis.call(lambda client: client.ping())
    except RedisAwayError:
        return False
    return True


def beat_runs(now: datetime) -> bool:
    """Whether a job that is due every minute was done lately: beat sent it, a worker did it."""
    return RealtimeMetrics.objects.filter(minute__gte=now - BEAT_LATE).exists()


def queue_moves() -> bool:
    """Whether workers take what is queued: the payments queue is short."""
    try:
        return lengths(["payments"]).get("payments", 0) < 100
    except RedisAwayError:
        return False

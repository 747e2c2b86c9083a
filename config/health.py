"""Whether the shop can serve: for people (`/api/v1/health`) and for an orchestrator (`/livez`, `/readyz`).

Nothing here calls billing or waits for a job: what is told is what beat, workers and calls left behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from config.schedule import SCHEDULE
from core import clock, heartbeats
from core import redis as core_redis
from core.heartbeats import BEAT
from core.late_jobs import late_jobs
from core.redis import RedisAwayError
from orders.providers import registry
from orders.providers.contract import PollError
from orders.providers.lately import latest_calls
from sessions_app import ingest

Problems = Iterator[str]
QUEUES = sorted({job.queue for job in SCHEDULE})
STREAM_LAG = timedelta(minutes=1)
"""Events are stored after a second or two."""
FAILING_SHARE = 10
"""Percent of the latest calls to billing that may come to nothing, as in deploy/alerts.yml."""
LONGEST_LIST = 3
"""So many late jobs are named."""


def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is looked at: to start it anew would not bring PostgreSQL or Redis back."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Requests may come: PostgreSQL answers, and has the tables of this release. Without Redis the shop serves."""
    if not database_answers():
        return not_ready("PostgreSQL does not answer")
    return HttpResponse("ok", content_type="text/plain") if tables.are_there() else not_ready("manage.py prepare")


def not_ready(why: str) -> HttpResponse:
    """No requests, please."""
    return HttpResponse(f"not ready: {why}", status=503, content_type="text/plain")


class Tables:
    """Whether all migrations of this release were applied. That is looked up until they are: none goes back."""

    found = False

    def are_there(self) -> bool:
        if not self.found:
            executor = MigrationExecutor(connection)
            self.found = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return self.found


tables = Tables()


def health(request: HttpRequest) -> JsonResponse:
    """`ok`, or `degraded` when the shop serves but something is away; 503 when it cannot serve. Details for staff."""
    now = clock.now()
    found = {name: looked_at(check, now) for name, check in CHECKS.items()}
    answers = found["database"] == []
    body: dict[str, Any] = {
        "status": "ok" if all(problems == [] for problems in found.values()) else "degraded",
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "version": settings.VERSION,
    }
    if answers and request.user.is_staff:
        body["checks"] = {name: word_for(problems) for name, problems in found.items()}
        body["problems"] = [problem for problems in found.values() for problem in problems or ()]
    return JsonResponse(body, status=200 if answers else 503)


def looked_at(check: Callable[[datetime], Problems], now: datetime) -> list[str] | None:
    """What is wrong; None if whoever would know is away."""
    try:
        return list(check(now))
    except (DatabaseError, PoolTimeout, RedisAwayError):
        return None


def word_for(problems: Collection[str] | None) -> str:
    """`ok`, `failing` or `unknown`."""
    if problems is None:
        return "unknown"
    return "failing" if problems else "ok"


def database(_now: datetime) -> Problems:
    """PostgreSQL."""
    if not database_answers():
        yield "PostgreSQL does not answer"


def database_answers() -> bool:
    """Whether PostgreSQL answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout):
        return False
    return True


def redis(_now: datetime) -> Problems:
    """Redis."""
    try:
        core_redis.call(lambda client: client.ping())
    except RedisAwayError:
        yield "Redis does not answer"


def worker(now: datetime) -> Problems:
    """The workers of each queue, as long as beat sends them anything, and what the flusher has before it."""
    ages = heartbeats.ages([BEAT, *QUEUES], now=now)
    since_beat = ages.pop(BEAT)
    for queue, seconds in ages.items():
        if seconds - since_beat > heartbeats.SILENT_SECONDS:
            yield f"the workers of {queue} have done nothing {since(seconds)}"
    entries, oldest = ingest.stream_lag()
    if oldest is not None and now - oldest > STREAM_LAG:
        yield f"{entries} events are not stored, the oldest of them {since((now - oldest).total_seconds())}"


def beat(now: datetime) -> Problems:
    """Beat, and the jobs that it should have sent."""
    seconds = heartbeats.ages([BEAT], now=now)[BEAT]
    if seconds > heartbeats.SILENT_SECONDS:
        yield f"beat has sent nothing {since(seconds)}"
    late = late_jobs(now=now)
    for job in late[:LONGEST_LIST]:
        yield f"{job.name} was due {job.by.total_seconds() / 60:.0f} minutes ago"
    if len(late) > LONGEST_LIST:
        yield f"{len(late) - LONGEST_LIST} more jobs are late"


def billing(now: datetime) -> Problems:
    """Whether whoever takes the money of new orders has its keys, and how the latest calls went."""
    try:
        registry.provider_of(settings.PAYMENT_PROVIDER)
    except PollError as error:
        yield str(error)
        return
    calls = latest_calls(now=now)
    if calls.failed and calls.share > FAILING_SHARE:
        yield f"{calls.failed} of the latest {calls.asked} calls to billing came to nothing"


def since(seconds: float) -> str:
    """For how long."""
    return "yet" if math.isinf(seconds) else f"for {seconds:.0f} seconds"


CHECKS: Mapping[str, Callable[[datetime], Problems]] = {
    "database": database,
    "redis": redis,
    "worker": worker,
    "beat": beat,
    "billing": billing,
}
"""In this order: where one waits for a server that is silent, the others are told so at once."""

"""How long staff wait for figures in a shop of three years: 4 million visits, 20 million events, 100,000 orders."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from django.core.cache import cache as redis
from django.core.management import call_command
from django.db import connection, transaction

from analytics.dashboard.tiles import TILES
from analytics.models import DailyBreakdown, DailyMetrics
from analytics.services import begin_run, count_missing_returns, finish_run
from benchmarks.day import Stretch, fill
from benchmarks.desk import Together, logged_in, look, looked_at
from benchmarks.measurement import Measurement, require
from benchmarks.web import gunicorn
from core import redis as core_redis
from core.clock import day_bounds, now, shop_day
from sessions_app.dimensions import Dimension
from sessions_app.models import SessionEvent

DAYS = 3 * 365
VISITS = 4_000_000
EVENTS = 5 * VISITS
MONTH = 100_000
"""Visits of some 28 days."""
COMPUTED = 196
"""Days that are computed from raw rows, the last ones: all that is asked for. Those before have copies of figures."""
DASHBOARD, FILTERED = "period=90", "period=90&device=mobile&source=(none)"
"""What is asked of the dashboard: 90 days, all visits or some."""

RETURNING = f"""
CREATE OR REPLACE FUNCTION pg_temp.visitor(n bigint, among bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    RETURN pg_temp.id('visitor',
        CASE WHEN pg_temp.noise(n, 11) < 0.7 THEN n ELSE n - pg_temp.skewed(n, 12, {MONTH}) END);
"""
"""Seven visits in ten are by somebody new, the others mostly by somebody who came within the month before."""

COPIES = """
INSERT INTO {table} ({columns})
SELECT {columns_of_copy} FROM {table}, generate_series(%(back)s::int, %(days)s::int, %(back)s::int) AS back
 WHERE date >= %(first)s AND date < %(today)s AND date - back >= %(begin)s
"""


def breakdown_90d() -> Measurement:
    """Milliseconds of a breakdown over 90 days, p95, each of the 13 dimensions in turn, nothing cached."""
    filled()
    last = shop_day(now()) - timedelta(days=1)
    asked = f"from={last - timedelta(days=89)}&to={last}"
    addresses = [f"/api/v1/analytics/breakdown?dimension={name}&{asked}" for name in Dimension.values]
    return looked_at(addresses, before=redis.clear)


def dashboard_cold() -> Measurement:
    """Milliseconds of the dashboard of 90 days, p95, nothing cached."""
    filled()
    return looked_at([with_tiles(DASHBOARD)], before=forget)


def dashboard_cached() -> Measurement:
    """Milliseconds of the dashboard of 90 days, p95, looked at before."""
    filled()
    with gunicorn("shop") as shop:
        look(shop, with_tiles(DASHBOARD), logged_in())
    kept = len(core_redis.client().keys("dashboard:*"))
    require(kept == len(TILES), f"{kept} tiles are kept, not {len(TILES)}")
    return looked_at([f"/admin/?{DASHBOARD}"])


def dashboard_filtered() -> Measurement:
    """Milliseconds of the dashboard of 90 days, p95, of filtered visits, nothing cached."""
    filled()
    return looked_at([with_tiles(FILTERED)], before=forget)


def with_tiles(asked: str) -> Together:
    """The page and its tiles."""
    return f"/admin/?{asked}", f"/admin/dashboard/tiles?tiles={','.join(TILES)}&{asked}"


def forget() -> None:
    """Takes away what is kept of answers and tiles."""
    redis.clear()
    if tiles := core_redis.client().keys("dashboard:*"):
        core_redis.client().delete(*tiles)


@cache
def filled() -> None:
    """Writes the years once a run, and computes their days. What other benchmarks wrote goes: its ids are the same."""
    call_command("flush", interactive=False, verbosity=0)
    until = now()
    today = shop_day(until)
    begin = today - timedelta(days=DAYS)
    fill(Stretch(day_bounds(begin)[0], until, VISITS, VISITS), helpers=RETURNING)
    events = SessionEvent.objects.count()
    require(events == EVENTS, f"{events} events were filled in, not {EVENTS}")
    finish_run(begin_run(first=today - timedelta(days=COMPUTED), last=today, now=until), now=until)
    while count_missing_returns(now=until):
        pass
    copy_days(begin, today)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE analytics_dailymetrics, analytics_dailybreakdown, analytics_dailyreturn")


@transaction.atomic
def copy_days(begin: date, today: date) -> None:
    """Gives the days from `begin` on that were not computed the figures of a later one, of the same weekday."""
    for model in (DailyMetrics, DailyBreakdown):
        names = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "date")]
        sql = COPIES.format(
            table=model._meta.db_table,
            columns=", ".join(["date", *names]),
            columns_of_copy=", ".join(["date - back", *names]),
        )
        first = today - timedelta(days=COMPUTED)
        with connection.cursor() as cursor:
            cursor.execute(sql, {"back": COMPUTED, "days": DAYS, "first": first, "today": today, "begin": begin})

"""What the numbers of a day cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psutil
from django.db import connection, transaction

from analytics.models import DailyBreakdown, DailyMetrics
from analytics.services import aggregate_day as aggregate
from analytics.services.turns import WORK_MEMORY
from benchmarks.day import DAY, EVENTS, NEXT_MORNING, ORDERS, SESSIONS, fill_day
from benchmarks.measurement import Measurement, Sample, alternate, require
from core.clock import day_bounds
from sessions_app.dimensions import Dimension
from sessions_app.models import SessionEvent

LEAST = """
SELECT count(*), count(DISTINCT visitor_id), avg(last_seen_at - started_at), sum(page_views)
FROM sessions_app_visitorsession WHERE started_at >= %s AND started_at < %s
"""
SAMPLE_SECONDS = 0.005
ROUNDS = 3


def aggregate_day() -> Measurement:
    """Seconds for the row and all breakdowns of a day of a million sessions, five million events and 25,000 orders,
    nothing there before, against one statement that counts those sessions: count, count distinct, avg, sum.
    """
    fill_day()
    start, end = day_bounds(DAY)
    events = SessionEvent.objects.filter(timestamp__gte=start, timestamp__lt=end).count()
    require(events == EVENTS, f"{events} events were filled in, not {EVENTS}")
    aggregated()  # warms both up
    return alternate(aggregated, least, unit="s", rounds=ROUNDS)


def aggregate_memory() -> Measurement:
    """What the process that has the day computed grows by meanwhile, at most, in MB. An empty day comes first, so that
    code is loaded.
    """
    fill_day()
    aggregate(day=DAY - timedelta(days=400), now=NEXT_MORNING)
    grown = peak_growth(aggregated)
    return Measurement(grown / 1024**2, "MB")


def aggregated() -> Sample:
    """One computation of the day from nothing.

    Raises:
        NotDoneError: the figures are not those of the rows.
    """
    DailyMetrics.objects.filter(date=DAY).delete()
    DailyBreakdown.objects.filter(date=DAY).delete()
    begun = time.perf_counter()
    aggregate(day=DAY, now=NEXT_MORNING)
    seconds = time.perf_counter() - begun
    check_figures()
    return Sample(seconds)


def check_figures() -> None:
    """Compares what is stored with what was filled in and with the floor's figures.

    Raises:
        NotDoneError: they differ.
    """
    row = DailyMetrics.objects.get(date=DAY)
    count, visitors, duration, pages = least_figures()
    found = (row.total_visits, row.unique_visits, row.total_page_views, row.total_orders)
    require(found == (count, visitors, pages, ORDERS), f"the row says {found}")
    require(count == SESSIONS, f"{count} sessions were filled in, not {SESSIONS}")
    require(abs(row.avg_session_duration - duration.total_seconds()) < 0.01, "the mean duration differs")
    dimensions = DailyBreakdown.objects.filter(date=DAY).values_list("dimension", flat=True).distinct().order_by()
    require(set(dimensions) == set(Dimension.values), f"there are breakdowns of {sorted(dimensions)}")


def least() -> Sample:
    """The floor's one statement."""
    begun = time.perf_counter()
    least_figures()
    return Sample(time.perf_counter() - begun)


def least_figures() -> tuple[int, int, timedelta, int]:
    """Sessions, visitors, mean duration, page views; with the memory that the aggregation has."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        cursor.execute(LEAST, day_bounds(DAY))
        count, visitors, duration, pages = cursor.fetchone() or (0, 0, timedelta(0), 0)
    return int(count), int(visitors), duration, int(pages)


def peak_growth(work: Callable[[], object]) -> int:
    """The bytes by which this process was larger at most while `work` ran."""
    process, done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return peak - before

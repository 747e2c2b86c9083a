"""What open Live pages cost."""

from __future__ import annotations

import time
from datetime import timedelta
from http.client import HTTPConnection

from django.core.management import call_command
from django.db import connection

from benchmarks.costs import Meter, family_seconds, postgresql
from benchmarks.day import Stretch, fill
from benchmarks.desk import logged_in
from benchmarks.measurement import Measurement, require
from benchmarks.web import Web, gunicorn
from core import redis as core_redis
from core.clock import now
from sessions_app.state import ACTIVE

VIEWERS = 20
EVERY_SECONDS = 10
SECONDS = 60
VISITS = 40_000
HERE = 2_000
FIGURES = "/admin/live/figures/"


def live_viewers() -> Measurement:
    """Percent of one processor that web, PostgreSQL and Redis take together while 20 Live pages are open, in a shop of
    40,000 visits within twelve hours, 2,000 of them here now.
    """
    filled()
    with gunicorn("shop") as shop:
        cookie, versions = logged_in(), [""] * VIEWERS
        watch(shop, cookie, versions, seconds=EVERY_SECONDS)
        programs = {"web": shop.cpu_seconds, "PostgreSQL": postgresql_seconds, "Redis": redis_seconds}
        meter, began = Meter(programs), time.monotonic()
        unchanged = watch(shop, cookie, versions, seconds=SECONDS)
        notes = meter.notes(1, "in all")
        share = sum(notes.values()) / (10 * (time.monotonic() - began))  # of ms in s, percent
    return Measurement(share, "% of one processor", notes=notes | {"looks answered 304": unchanged})


def filled() -> None:
    """Half a day until now. What other benchmarks wrote goes: its ids are the same."""
    call_command("flush", interactive=False, verbosity=0)
    until = now()
    fill(Stretch(until - timedelta(hours=12), until, VISITS, VISITS))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    seen = {str(number): until.timestamp() for number in range(HERE)}
    core_redis.client().zadd(ACTIVE, seen)


def watch(shop: Web, cookie: str, versions: list[str], *, seconds: int) -> int:
    """The viewers ask in turn, evenly spread, each every ten seconds; how often nothing had changed."""
    unchanged, began = 0, time.monotonic()
    for number in range(seconds * VIEWERS // EVERY_SECONDS):
        time.sleep(max(0, began + number * EVERY_SECONDS / VIEWERS - time.monotonic()))
        viewer = number % VIEWERS
        status, versions[viewer] = look(shop, cookie, versions[viewer])
        unchanged += status == 304
    return unchanged


def look(shop: Web, cookie: str, version: str) -> tuple[int, str]:
    """Asks for the figures as the page does; status and version of the answer.

    Raises:
        NotDoneError: there are none.
    """
    web = HTTPConnection("127.0.0.1", shop.port, timeout=60)
    web.request("GET", FIGURES, headers={"Cookie": cookie, "If-None-Match": version})
    answer = web.getresponse()
    answer.read()
    web.close()
    require(answer.status in (200, 304), f"{FIGURES} answers {answer.status}")
    return answer.status, answer.headers["ETag"] or ""


def postgresql_seconds() -> float:
    """Processor time of all of its processes."""
    return family_seconds(postgresql())


def redis_seconds() -> float:
    """Processor time as Redis itself tells it."""
    told = core_redis.client().info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"])

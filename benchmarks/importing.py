"""What it costs to bring in an access log."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from django.db import connection

from benchmarks.measurement import Measurement, Sample, alternate, require
from benchmarks.shop import BROWSER
from config.embedded import home
from core.clock import now
from sessions_app.access_log import Refusals, Tally, import_access_logs
from sessions_app.access_log.lines import PLAIN

LINES = 200_000
ROUNDS = 3
VISITORS = 9_000
OWN_HOST = "shop.example"
ASSETS = ("/static/shop.css", "/static/shop.js", "/images/{}.jpg", "/favicon.ico", "/fonts/text.woff2")
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
)
REFERRERS = ("-", "-", "https://www.google.com/", f"https://{OWN_HOST}/", "https://news.example/today")


def import_log() -> Measurement:
    """Lines a second of a log of 200,000 that is not there yet (a fifth page views, a fifth crawlers, the rest assets
    and the like), against reading the same lines and matching each with the regular expression.
    """
    path = log_file()
    imported(path)
    return alternate(lambda: imported(path), lambda: matched(path), unit="lines/s", rounds=ROUNDS)


def imported(path: Path) -> Sample:
    """A first import.

    Raises:
        NotDoneError: lines are missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE sessions_app_sessionevent, sessions_app_visitorsession, sessions_app_crawlerday, "
            "sessions_app_accesslog CASCADE"
        )
    tally = Tally()
    begun, spent = time.perf_counter(), time.process_time()
    import_access_logs(
        paths=[str(path)],
        own_host=OWN_HOST,
        now=now(),
        tally=tally,
        refusals=Refusals(path.with_suffix(".csv"), say=print),
        advanced=lambda _read: None,
        touched=lambda _days: None,
    )
    seconds, processor = time.perf_counter() - begun, time.process_time() - spent
    require(tally.lines == LINES and tally.malformed == 0, f"{tally.lines} lines were read, {tally.malformed} refused")
    require(tally.added_page_views == tally.page_views > LINES / 10, f"{tally.added_page_views} views were stored")
    return Sample(LINES / seconds, {"importer CPU µs a line": 1e6 * processor / LINES})


def matched(path: Path) -> Sample:
    """The floor."""
    begun = time.perf_counter()
    with path.open("rb") as log:
        found = sum(PLAIN.fullmatch(line.rstrip(b"\n").decode("utf-8", "replace")) is not None for line in log)
    require(found == LINES, f"{found} lines match")
    return Sample(LINES / (time.perf_counter() - begun))


@cache
def log_file() -> Path:
    """The log, the same at every run."""
    path = home() / "bench-access.log"
    path.write_text("".join(log_lines()))
    return path


def log_lines() -> Iterator[str]:
    """Two days of a shop: visitors come and go, each page brings its assets, crawlers go through all the day."""
    dice = random.Random(1)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    agents = [BROWSER.replace("130", str(100 + number)) for number in range(60)]
    for number in range(LINES):
        at = start + timedelta(days=2) * number / LINES
        share, visitor = dice.random(), int(VISITORS * (number / LINES + dice.random() * 0.02))
        address, agent, page = (
            f"203.{visitor >> 8 & 255}.{visitor & 255}.7",
            agents[visitor % 60],
            f"/products/{dice.randrange(3000)}",
        )
        if share < 0.2:
            address, agent = f"66.249.{number % 64}.{number % 250}", CRAWLERS[number % 3]
        elif share > 0.4:
            page = ASSETS[number % 5].format(number % 999)
        referrer = REFERRERS[dice.randrange(5)]
        yield f'{address} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {page} HTTP/1.1" 200 5124 "{referrer}" "{agent}"\n'

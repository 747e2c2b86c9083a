"""The import: lines are read, told apart, put in order within a few minutes, and stored in batches."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter

from core.clock import shop_day
from sessions_app.access_log import storage
from sessions_app.access_log.lines import MalformedLineError, Request, parse_line
from sessions_app.access_log.reading import LONGEST_LINE
from sessions_app.access_log.visits import Hit, line_digest, timed_hex, visitor_of

BATCH = 20_000
"""Page views that are held at most. The older ones are stored when there are so many."""

DISORDER_SECONDS = 300
"""Servers write a line when they have answered, with the time of the question: so late a line may come."""

AHEAD = timedelta(days=1)
GIVE_UP_AFTER = 1_000
"""Lines, none of them of a log."""


class NotALogError(Exception):
    """None of the lines, or of the first thousand, is of the combined format."""


@dataclass
class Tally:
    """What was found so far. Counts are of the log, stored before or not; `added_*` are new.

    lines = page_views + crawler_page_views + ignored + malformed. Requests of crawlers that are no page views
    are ignored like everybody's. Sessions and visitors are those that the page views belong to; they are counted
    at the end. Times are of the earliest and the latest request, in UTC. `days` are the days of the shop whose
    metrics may change. They follow from the log, not from what was new, so that an import that was killed before
    the metrics were made can just be repeated.
    """

    lines: int = 0
    malformed: int = 0
    ignored: int = 0
    crawler_page_views: int = 0
    page_views: int = 0
    sessions: int = 0
    visitors: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    added_page_views: int = 0
    added_sessions: int = 0
    days: set[date] = field(default_factory=set)


def import_access_log(
    *,
    lines: Iterable[bytes],
    own_host: str,
    now: datetime,
    tally: Tally,
    refused: Callable[[int, str], None],
    advanced: Callable[[], None],
) -> None:
    """Stores the visits of a log; lines that were stored before add nothing.

    `own_host` is the shop's host in the log's referrers. `tally` is kept up to date, also when an error or Ctrl-C
    ends the import: what was stored by then stays, and running it again goes on. `refused` gets the number
    (from 1) and the reason of each malformed line, `advanced` is called every thousand lines.

    Page views of crawlers are counted by day. Of two logs that share a day the larger figure stays, so give files
    that were rotated during a day as one (`cat access.log.1 access.log | ... -`).

    Imported visits have no address, no user agent and unknown consent, and are not `unconfirmed`: a log cannot
    show whether a script ran, and whoever imports it wants it counted. Ids are made under a key that follows from
    SECRET_KEY: with another key a log is a new one.

    Raises:
        NotALogError: the lines are of something else; nothing was stored.
        LogUnreadableError: the file ends too early; the batches before are stored.
    """
    importing = _Import(own_host=own_host, newest=int((now + AHEAD).timestamp()), tally=tally)
    refusals = _Refusals(refused, tally)
    with _heap_left_alone(), storage.temporary_tables():
        for number, line in enumerate(lines, start=1):
            tally.lines = number
            try:
                importing.add(line)
            except MalformedLineError as error:
                tally.malformed += 1
                refusals.add(number, str(error))
            else:
                if refusals.held:
                    refusals.release()
            if not number % 1_000:
                advanced()
        importing.finish()
    refusals.finish()


@contextmanager
def _heap_left_alone() -> Iterator[None]:
    """Spares what was there before from the garbage collector, which page views that are held call again and again.

    Looking through Django's objects takes it a twelfth of an import. What the import makes is collected as ever.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Refusals:
    """Passes refusals on once there is a line that is of a log: else the file is something else, said once."""

    def __init__(self, refused: Callable[[int, str], None], tally: Tally) -> None:
        self.refused = refused
        self.tally = tally
        self.held: list[tuple[int, str]] = []

    def add(self, number: int, reason: str) -> None:
        if self.tally.malformed < number:
            self.refused(number, reason)
            return
        self.held.append((number, reason))
        if len(self.held) >= GIVE_UP_AFTER:
            self.finish()

    def release(self) -> None:
        for number, reason in self.held:
            self.refused(number, reason)
        self.held.clear()

    def finish(self) -> None:
        if self.held:
            number, reason = self.held[0]
            raise NotALogError(f"None of {len(self.held):,} lines is of a log. Line {number}: {reason}.")


class _Import:
    """What is held of a log while it is read: page views not yet stored, crawlers by day."""

    def __init__(self, *, own_host: str, newest: int, tally: Tally) -> None:
        self.own_host = own_host
        self.newest = newest
        self.tally = tally
        self.pending: list[Hit] = []
        self.equal_lines: dict[bytes, int] = {}
        self.crawlers: Counter[date] = Counter()
        self.quarter, self.day = 0, date.min
        self.first, self.last = newest, 0

    def add(self, line: bytes) -> None:
        """Tells what a line is.

        Raises:
            MalformedLineError: it is none.
        """
        if len(line) >= LONGEST_LINE:
            raise MalformedLineError("the line is too long")
        request = parse_line(line)
        at = request.at
        if at > self.last:
            if at > self.newest:
                raise MalformedLineError("its time is in the future")
            self.last = at
        if at < self.first:
            self.first = at
        if request.page is None:
            self.tally.ignored += 1
            return
        self._add_view(request, request.page, line)

    def _add_view(self, request: Request, page: str, line: bytes) -> None:
        at, address, user_agent, referrer, _page, query = request
        if at // 900 != self.quarter:
            self.quarter = at // 900
            self.day = _day(self.quarter)
            self.tally.days.add(self.day)
        visitor = visitor_of(address, user_agent)
        if visitor.agent.is_bot:
            self.tally.crawler_page_views += 1
            self.crawlers[self.day] += 1
            return
        self.tally.page_views += 1
        digest = line_digest(line)
        repetition = self.equal_lines.get(digest, 0)
        self.equal_lines[digest] = repetition + 1
        event_id = timed_hex(at, line_digest(line, repetition) if repetition else digest)
        self.pending.append(Hit(at, event_id, visitor, page, query, referrer, digest))
        if len(self.pending) >= BATCH:
            self.store_older()

    def store_older(self) -> None:
        """Stores what no later line is expected to come before, at least half of what is held."""
        self.pending = storage.hits_in_order(self.pending)
        settled = self.last - DISORDER_SECONDS
        self.equal_lines = {hit.line: self.equal_lines[hit.line] for hit in self.pending if hit.at > settled}
        count = max(BATCH // 2, bisect_right(self.pending, settled, key=attrgetter("at")))
        self._store(self.pending[:count])
        self.pending = self.pending[count:]

    def finish(self) -> None:
        """Stores the rest and makes the sums."""
        self._store(storage.hits_in_order(self.pending))
        tally = self.tally
        storage.store_crawlers(self.crawlers)
        tally.sessions, tally.visitors = storage.count_seen()
        tally.days |= storage.days_of_visits()
        if self.last:
            tally.first_time = datetime.fromtimestamp(self.first, UTC)
            tally.last_time = datetime.fromtimestamp(self.last, UTC)

    def _store(self, hits: list[Hit]) -> None:
        if not hits:
            return
        views, visits = storage.store(hits, own_host=self.own_host)
        self.tally.added_page_views += views
        self.tally.added_sessions += visits


@lru_cache(maxsize=4096)
def _day(quarter: int) -> date:
    """The shop's day of a quarter of an hour since 1970: time zones differ by whole quarters."""
    return shop_day(datetime.fromtimestamp(quarter * 900, UTC))

"""The import: logs one after the other; lines are read, told apart, put in order within a few minutes, and stored."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from django.db import transaction

from sessions_app.access_log import places, storage
from sessions_app.access_log.days import Touched, day_of
from sessions_app.access_log.lines import MalformedLineError, Request, parse_line
from sessions_app.access_log.places import Known
from sessions_app.access_log.reading import (
    BYTE_ORDER_MARK,
    LONGEST_LINE,
    START,
    Block,
    Log,
    LogUnreadableError,
    Place,
    each_once,
    is_file,
    open_log,
)
from sessions_app.access_log.refusals import Refusals
from sessions_app.access_log.tally import Tally
from sessions_app.access_log.visits import Hit, line_digest, timed_hex, visitor_of

BATCH = 20_000
"""Page views that are held at most. The older ones are stored when there are so many."""

BLOCKS = 200
"""Blocks of lines after which the older views are stored, however few: a log may be of crawlers and images."""

DISORDER_SECONDS = 300
"""Servers write a line when they have answered, with the time of the question: so late a line may come."""

AHEAD = timedelta(days=1)


class NotALogError(Exception):
    """None of the lines, or of the first thousand, is of a log."""


def import_access_logs(
    *,
    paths: Sequence[str],
    own_host: str,
    now: datetime,
    tally: Tally,
    refusals: Refusals,
    advanced: Callable[[int], None],
    touched: Touched,
    again: bool = False,
) -> None:
    """Stores the visits of logs, in the order of their beginnings; lines that were stored before add nothing.

    `own_host` is the shop's host in the logs' referrers. `tally` is kept up to date, also when an error or Ctrl-C
    ends the import: what was stored by then stays, and the next one goes on there. It also goes on where a log has
    grown, `again` reads all from the start. `refusals` is opened once the files have been looked at, and gets each
    malformed line; `advanced` is told every thousand lines how many bytes are read, `touched`, inside the transaction
    that changes them, which days of the shop have other numbers now.

    Page views of crawlers are counted by day. Of two imports that share a day the larger figure stays, so name logs
    that were rotated during a day together. A line that stands in two logs counts once.

    Imported visits have no address, no user agent and unknown consent, and are not `unconfirmed`: a log cannot
    show whether a script ran, and whoever imports it wants it counted. Ids are made under a key that follows from
    SECRET_KEY: with another key a log is a new one.

    Raises:
        NotALogError: one of the files is something else; nothing was stored.
        LogUnreadableError: one of the files cannot be read; nothing was stored. What is damaged further on is
            a refusal.
        OSError: the report of refused lines cannot be written.
    """
    newest = int((now + AHEAD).timestamp())
    read = 0
    ordered = in_order(paths)
    with refusals, _heap_left_alone(), storage.temporary_tables():
        for path in ordered:
            with open_log(path) as log:
                begins(log)
                importing = _Import(
                    log, own_host=own_host, newest=newest, tally=tally, refusals=refusals, touched=touched
                )
                for _block in importing.blocks(again=again):
                    advanced(read + log.position())
                read += log.size or 0
            tally.files += 1
        tally.sessions, tally.visitors = storage.count_seen()


def in_order(paths: Sequence[str]) -> list[str]:
    """The logs by the times of their first readable lines, each once; empty ones are last.

    Raises:
        NotALogError: one of them is none.
        LogUnreadableError: one of them cannot be read.
    """
    distinct = each_once(paths)
    return sorted(distinct, key=_begins) if all(map(is_file, distinct)) else distinct


def _begins(path: str) -> float:
    with open_log(path) as log:
        return begins(log)


def begins(log: Log) -> float:
    """The time of the first readable line, in seconds since 1970; infinity if there is no line.

    Raises:
        NotALogError: none of the first thousand lines is of a log.
        LogUnreadableError: there is not one line before the file is damaged.
    """
    lines = log.beginning()
    reason = ""
    for line in lines:
        try:
            return parse_line(_bare(line)).at
        except MalformedLineError as error:
            reason = reason or str(error)
    if lines:
        raise NotALogError(f"{log.name}: none of {len(lines):,} lines is of a log. Line 1: {reason}.")
    if log.damage:
        raise LogUnreadableError(f"{log.name} cannot be read: {log.damage}.")
    return float("inf")


def _bare(line: bytes) -> bytes:
    return line.removeprefix(BYTE_ORDER_MARK).rstrip(b"\r\n")


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


class _Mark(NamedTuple):
    """A place, and the latest time (seconds since 1970) of the lines before it."""

    last: int
    found: Known


class _Import:
    """What is held of a log while it is read: page views not yet stored, crawlers by day, places to go on from.

    All lines before a place whose `last` is settled are stored, and all lines of the seconds that are not, which may
    be repeated, lie behind it: so equal lines are told apart in the same way by whoever goes on there.
    """

    def __init__(
        self, log: Log, *, own_host: str, newest: int, tally: Tally, refusals: Refusals, touched: Touched
    ) -> None:
        self.log = log
        self.key = places.key_of(log.beginning())
        self.own_host = own_host
        self.newest = newest
        self.tally = tally
        self.refusals = refusals
        self.touched = touched
        self.pending: list[Hit] = []
        self.equal_lines: dict[bytes, int] = {}
        self.crawlers: Counter[date] = Counter()
        self.refused = 0
        self.marks: deque[_Mark] = deque()
        self.blocks_held = 0
        self.quarter, self.day = 0, date.min
        self.first, self.last = newest, 0

    def blocks(self, *, again: bool) -> Iterator[Block]:
        """Reads the log, from the start or where it goes on, and gives back what it has read."""
        self.tally.logs.add(self.key)
        start = START if again else self._go_on()
        self._mark(start)
        number = start.lines
        try:
            for block in self.log.blocks(start):
                self._read(block, number)
                number = block.place.lines
                yield block
        except LogUnreadableError as error:
            self.tally.lines += 1
            self._refuse(number + 1, MalformedLineError("the file cannot be read to its end", str(error)))
        self._finish()

    def _go_on(self) -> Place:
        """Goes where everything before is stored, and what was refused of it is known."""
        known = places.known(self.key)
        if known is None or not self.log.go_to(known.place):
            return START
        place, refused, crawlers = known
        if refused and not self.refusals.keep(self.log.name, place.lines, refused):
            self.log.go_to(START)
            return START
        self.refused = refused
        self.crawlers.update(crawlers)
        self.tally.lines_before += place.lines
        self.tally.malformed_before += refused
        return place

    def _read(self, block: Block, before: int) -> None:
        lines = block.lines
        if not before and lines:
            lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
        for number, line in enumerate(lines, start=before + 1):
            try:
                if line.endswith(b"\n"):
                    self.add(line.rstrip(b"\r\n"))
                else:
                    self._add_endless(line)
            except MalformedLineError as error:
                self._refuse(number, error)
        self.tally.lines += len(lines)
        self.blocks_held += 1
        if block.whole:
            self._mark(block.place)
        if self.blocks_held >= BLOCKS:
            self.store_older()

    def _refuse(self, number: int, error: MalformedLineError) -> None:
        self.refused += 1
        self.tally.malformed += 1
        self.tally.reasons[error.reason] += 1
        self.refusals.add(self.log.name, number, str(error))

    def _add_endless(self, line: bytes) -> None:
        """The last line of a file may be cut, or written this moment: one that seems to be of the common format
        may become one of the combined.
        """
        if len(line) >= LONGEST_LINE:
            raise MalformedLineError("the line is too long")
        if not line.endswith(b'"'):
            raise MalformedLineError("the last line is cut off, or still being written")
        self.add(line)

    def add(self, line: bytes) -> None:
        """Tells what a line is.

        Raises:
            MalformedLineError: it is none.
        """
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
            self.day = day_of(self.quarter)
        visitor = visitor_of(address, user_agent)
        if visitor.agent.is_bot:
            self.tally.crawler_page_views += 1
            self.crawlers[self.day] += 1
            return
        self.tally.page_views += 1
        if user_agent is None:
            self.tally.unnamed_page_views += 1
        digest = line_digest(line)
        repetition = self.equal_lines.get(digest, 0)
        self.equal_lines[digest] = repetition + 1
        event_id = timed_hex(at, line_digest(line, repetition) if repetition else digest)
        self.pending.append(Hit(at, event_id, visitor, page, query, referrer, digest))
        if len(self.pending) >= BATCH:
            self.store_older()

    def store_older(self) -> None:
        """Stores what no later line is expected to come before, of a full batch at least half."""
        self.pending = storage.hits_in_order(self.pending)
        settled = self.last - DISORDER_SECONDS
        self.equal_lines = {hit.line: self.equal_lines[hit.line] for hit in self.pending if hit.at > settled}
        count = bisect_right(self.pending, settled, key=attrgetter("at"))
        if len(self.pending) >= BATCH:
            count = max(BATCH // 2, count)
        self._store(self.pending[:count])
        self.pending = self.pending[count:]

    def _finish(self) -> None:
        """Stores the rest, and the figures of the crawlers."""
        self._store(storage.hits_in_order(self.pending))
        self.tally.crawlers.update(self.crawlers)
        storage.store_crawlers(self.tally.crawlers, touched=self.touched)
        if self.last:
            self.tally.seen(self.first, self.last)

    def _store(self, hits: list[Hit]) -> None:
        self.blocks_held = 0
        with transaction.atomic():
            views, visits = storage.store(hits, own_host=self.own_host, touched=self.touched) if hits else (0, 0)
            self._note_place()
        self.tally.added_page_views += views
        self.tally.added_sessions += visits

    def _mark(self, place: Place) -> None:
        self.marks.append(_Mark(self.last, Known(place, self.refused, self.crawlers.copy())))

    def _note_place(self) -> None:
        """Notes the last place before which everything is settled."""
        settled = self.last - DISORDER_SECONDS
        while len(self.marks) > 1 and self.marks[1].last <= settled:
            self.marks.popleft()
        found = self.marks[0].found
        if found.place != START:
            places.note(self.key, found)

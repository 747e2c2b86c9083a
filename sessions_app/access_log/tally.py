"""What an import finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime


@dataclass
class Tally:
    """What was found so far. Counts are of what was read now, stored before or not; `added_*` are new; `*_before` are
    of what lies before the places where earlier imports of the same logs had come to, and was not read again.

    lines = page_views + crawler_page_views + ignored + malformed. Requests of crawlers that are no page views
    are ignored like everybody's. `unnamed_page_views` are those of `page_views` whose lines name no user agent: there
    crawlers cannot be told. Sessions and visitors are those that the page views belong to; they are counted at the end.
    Times are of the earliest and the latest request. `reasons` says of how many lines each is why they are
    malformed. `malformed_before` are lines that an import refused which was stopped.
    """

    files: int = 0
    lines: int = 0
    lines_before: int = 0
    malformed: int = 0
    malformed_before: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    crawler_page_views: int = 0
    page_views: int = 0
    unnamed_page_views: int = 0
    sessions: int = 0
    visitors: int = 0
    first: int | None = None
    last: int | None = None
    added_page_views: int = 0
    added_sessions: int = 0
    crawlers: Counter[date] = field(default_factory=Counter)
    """Page views of crawlers by day of the shop, those before included."""
    logs: set[str] = field(default_factory=set)
    """Keys of the logs (`places`)."""

    @property
    def refused(self) -> int:
        """All lines to tell of."""
        return self.malformed + self.malformed_before

    @property
    def first_time(self) -> datetime | None:
        """Of the earliest request, UTC."""
        return None if self.first is None else datetime.fromtimestamp(self.first, UTC)

    @property
    def last_time(self) -> datetime | None:
        """Of the latest request, UTC."""
        return None if self.last is None else datetime.fromtimestamp(self.last, UTC)

    def seen(self, first: int, last: int) -> None:
        """Requests of these times were found, in seconds since 1970."""
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)

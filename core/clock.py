"""Time as the shop sees it. Instants are aware and in UTC; days are calendar days in `SHOP_TIME_ZONE`."""

import logging
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from time import monotonic
from zoneinfo import ZoneInfo

from django.conf import settings

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
TOLERANCE = timedelta(seconds=1)
"""A clock that is not further from PostgreSQL's is taken for right: asking takes its time too."""


class SharedClock:
    """PostgreSQL's clock, as this process knows it. All processes go by that one, whatever their machines' clocks show:
    no order may expire, and no visit end, because somebody set one of them.

    It is asked once in `every` seconds (`is_due`), by whoever has a connection at hand. What has passed since, a clock
    says that nobody sets.
    """

    def __init__(self) -> None:
        self.every = 10.0
        self.forget()

    def forget(self) -> None:
        """As in a new process."""
        self.asked_at = float("-inf")
        self.shown: datetime | None = None
        self.heard_at = 0.0
        self.is_off = False

    def is_due(self) -> bool:
        """Whether it should be asked now. Whoever is told so asks; the others go on."""
        at = monotonic()
        due = at - self.asked_at >= self.every
        if due:
            self.asked_at = at
        return due

    def hear(self, shown: datetime, *, asked: float) -> None:
        """What it showed when it was `asked` (monotonic seconds). After a long wait that says nothing."""
        heard = monotonic()
        if heard - asked < TOLERANCE.total_seconds():
            self.shown, self.heard_at = shown, (asked + heard) / 2
            self.tell(datetime.now(UTC) - shown)

    def tell(self, ahead: timedelta) -> None:
        """Says once that this machine's clock is wrong, and once that it is right again."""
        is_off = abs(ahead) > TOLERANCE
        if is_off and not self.is_off:
            log.error("this machine's clock is %.0f s ahead of PostgreSQL's, by which we go", ahead.total_seconds())
        elif self.is_off and not is_off:
            log.warning("this machine's clock agrees with PostgreSQL's again")
        self.is_off = is_off

    def correct(self, own: datetime) -> datetime:
        """The instant at which this machine's clock shows `own`."""
        if self.shown is None:
            return own
        shown = self.shown + timedelta(seconds=monotonic() - self.heard_at)
        return own if abs(own - shown) <= TOLERANCE else shown


shared = SharedClock()


def now() -> datetime:
    """The present instant, UTC."""
    return shared.correct(datetime.now(UTC))


def shop_zone() -> ZoneInfo:
    """The shop's time zone."""
    return ZoneInfo(settings.SHOP_TIME_ZONE)


def shop_day(instant: datetime) -> date:
    """The calendar day of an instant in the shop's time zone."""
    return instant.astimezone(shop_zone()).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of the day and of the next: 23, 24 or 25 hours apart; none where a zone left out a day."""
    return first_instant(day), first_instant(day + timedelta(days=1))


def first_instant(day: date) -> datetime:
    """The first instant of a day: midnight, or where the clock jumps over that the instant at which it does."""
    return first_instant_in(shop_zone(), day)


@lru_cache(maxsize=2048)
def first_instant_in(zone: ZoneInfo, day: date) -> datetime:
    """The same in a zone: a page of months asks for each of its days several times."""
    return instant_in(zone, datetime.combine(day, time()))


def shop_instant(local: datetime) -> datetime:
    """The instant at which the shop's clock shows this time, given without a zone, or a later one.

    Of a time that comes twice the first; for one that is jumped over the instant of the jump.
    """
    return instant_in(shop_zone(), local)


def instant_in(zone: ZoneInfo, local: datetime) -> datetime:
    """The same in a zone."""
    early, late = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if shown_in(zone, early) == local:
        return early
    seconds, before = range(int((late - early).total_seconds())), early.replace(microsecond=0)
    jump = bisect_left(seconds, local, key=lambda after: shown_in(zone, before + timedelta(seconds=after)))
    return before + timedelta(seconds=jump)


def shown(instant: datetime) -> datetime:
    """What the shop's clock shows at an instant, without the zone."""
    return shown_in(shop_zone(), instant)


def shown_in(zone: ZoneInfo, instant: datetime) -> datetime:
    """What a clock there shows."""
    return instant.astimezone(zone).replace(tzinfo=None)


def hours_of_day(day: date) -> list[datetime]:
    """The instants at which the hours of a day begin: 23, 24 or 25 of them.

    Where the clock jumps by part of an hour, the jump begins one too: none is longer than 60 minutes.
    """
    instant, end = day_bounds(day)
    hours = []
    while instant < end:
        hours.append(instant)
        instant = min(next_hour(instant), end)
    return hours


def next_hour(instant: datetime) -> datetime:
    """When the hour of the shop's clock that is running then is over, were the clock not to jump before."""
    local = shown(instant)
    return instant + HOUR - (local - local.replace(minute=0, second=0, microsecond=0))

"""Beat, for a clock that may be set back, when what was due is sent all the same, and a PostgreSQL that may be away.

Celery waits until the clock shows again what it showed before: an hour without jobs, if that is how far it went back.
django-celery-beat reads the schedule anew every five minutes, and dies if it cannot.
"""

import logging
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import DatabaseError, InterfaceError
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry
from psycopg_pool import PoolTimeout

from core import heartbeats
from core.postgresql.telling_time import now

log = logging.getLogger(__name__)
Entries = dict[str, ModelEntry]


class Entry(ModelEntry):
    """A job of the schedule."""

    last_run_at: datetime
    schedule: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call] # there
        zone = self.schedule.now().tzinfo
        self.schedule.nowfun = lambda: now().astimezone(zone)

    def _default_now(self) -> datetime:
        return now()

    def is_due(self) -> Any:
        """A last run that lies ahead was noted by a clock that went wrong: it counts from now."""
        self.last_run_at = min(self.last_run_at, now())
        return super().is_due()  # type: ignore[no-untyped-call] # there


class Scheduler(DatabaseScheduler):
    """All jobs."""

    Entry = Entry
    _schedule: Entries | None
    ticked_at: datetime | None = None
    noted = 0.0

    def all_as_schedule(self) -> Entries:
        """The schedule as it is stored; the one that was known while PostgreSQL is away, until it can be asked.

        Raises:
            DatabaseError, InterfaceError, PoolTimeout: there is none yet.
        """
        try:
            stored: Entries = super().all_as_schedule()  # type: ignore[no-untyped-call] # there
        except (DatabaseError, InterfaceError, PoolTimeout) as error:
            if self._schedule is None:
                raise
            log.warning("the schedule cannot be read, the last known one holds: %s", error)
            self._last_full_sync = datetime.min  # noqa: DTZ901 - the library reads clocks without a zone
            return self._schedule
        return stored

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """One round. If the clock went back, what is next is worked out anew: else the job that is due most often would
        be, until the clock is where it was.
        """
        at = now()
        if self.ticked_at is not None and at < self.ticked_at:
            self._heap = None  # type: ignore[assignment] # as Celery has it at first
        self.ticked_at = at
        return super().tick(*args, **kwargs)

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Sends a job; that it was sent is beat's sign of life.

        Raises:
            SchedulingError: it could not be sent.
        """
        sent = super().apply_async(*args, **kwargs)
        if monotonic() - self.noted > heartbeats.EVERY_SECONDS:
            self.noted = monotonic()
            heartbeats.note([heartbeats.BEAT], now=now())
        return sent

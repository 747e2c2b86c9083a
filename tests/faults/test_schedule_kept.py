"""Beat reads its schedule anew every five minutes, and goes on by the one it has while PostgreSQL is away."""

from __future__ import annotations

import signal
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.beat import Scheduler
from config.celery import app
from tests.faults.servers import PostgresServer
from tests.faults.shop import Servers
from tests.promises.processes import until
from tests.world import World


def beat_of(kind: type[DatabaseScheduler]) -> Any:
    """A beat that has read its schedule, longer than five minutes ago."""
    beat: Any = kind(app=app, lazy=True)
    beat._finalize.cancel()  # it would write at the end of the tests what it had sent
    assert "flush_events" in beat.schedule
    beat._last_full_sync -= timedelta(minutes=6)
    return beat


def while_away(postgres: PostgresServer, beat: Any) -> Any:
    """The schedule by which it goes while PostgreSQL is away."""
    connection.close()
    postgres.stop(signal.SIGINT)
    try:
        return dict(beat.schedule)
    finally:
        postgres.start()


def switched(job: str, *, is_on: bool) -> bool:
    """Whether a job could be switched on or off in the schedule."""
    with suppress(OperationalError):
        return PeriodicTask.objects.filter(name=job).update(enabled=is_on) == 1
    return False


def test_without_postgresql_beat_goes_on_by_the_schedule_it_has(servers: Servers, stocked: World) -> None:
    beat = beat_of(Scheduler)
    assert while_away(servers.postgres, beat).keys() >= {"flush_events", "poll_billing", "expire_orders"}
    until(lambda: switched("poll_billing", is_on=False), "PostgreSQL is back")
    until(lambda: "poll_billing" not in beat.schedule, "it is read anew once PostgreSQL is back")
    switched("poll_billing", is_on=True)


def test_control_the_library_itself_gives_up(servers: Servers, stocked: World) -> None:
    with pytest.raises(DatabaseError):
        while_away(servers.postgres, beat_of(DatabaseScheduler))

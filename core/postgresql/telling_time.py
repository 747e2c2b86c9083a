"""PostgreSQL's clock is the shop's (`core.clock`): how it is asked."""

from __future__ import annotations

import logging
from datetime import datetime
from time import monotonic
from typing import Any

import psycopg
from django.conf import settings

from core import clock

log = logging.getLogger(__name__)
ASK = "SELECT clock_timestamp()"
PATIENCE_SECONDS = 2
"""For a connection; libpq waits no less."""


def ask_the_time(connection: psycopg.Connection[Any]) -> None:
    """Asks on a connection that nobody else uses now, and leaves it as it was.

    Raises:
        OperationalError: the connection has ended.
    """
    asked, idle = monotonic(), not connection.autocommit
    row = connection.execute(ASK).fetchone()
    if idle:
        connection.rollback()
    if row is not None and isinstance(row[0], datetime):
        clock.shared.hear(row[0], asked=asked)


def now() -> datetime:
    """The present instant, UTC, for processes that take no connections from the pool: those of Celery that send jobs
    and hand them on. They ask on one of their own. While PostgreSQL is away they go on by what they know.
    """
    if clock.shared.is_due():
        try:
            with psycopg.connect(settings.DATABASE_URL, connect_timeout=PATIENCE_SECONDS, autocommit=True) as own:
                ask_the_time(own)
        except psycopg.OperationalError as error:
            log.warning("PostgreSQL could not be asked for the time: %s", error)
    return clock.now()

"""Clocks that are wrong. In a process of its own: `celery -A tests.faults.clocks`, wrong by CLOCK_WRONG_BY seconds from
the start, or from SIGUSR1 on if CLOCK_JUMPS. With CLOCK_BELIEVED it believes what its own clock says, as Celery does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import django
import time_machine

from config.celery import Job, Shop, app
from core import clock

__all__ = ["app"]
HOUR = timedelta(hours=1)
JUMPED = "the clock has jumped"


@contextmanager
def machine_wrong_by(seconds: timedelta) -> Iterator[None]:
    """This machine's clock is wrong for the length of a `with` block; those of PostgreSQL and Redis are right."""
    with time_machine.travel(datetime.now(UTC) + seconds):
        yield


def jump() -> None:
    """This process's clock is wrong from now on."""
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["CLOCK_WRONG_BY"]))).start()
    sys.stderr.write(f"{JUMPED}\n")
    sys.stderr.flush()


def believe_it() -> None:
    """PostgreSQL is not asked, and messages are Celery's own."""
    Job.Request = "celery.worker.request:Request"
    del Shop.now
    clock.shared.every = float("inf")
    clock.shared.is_due()


if "CLOCK_WRONG_BY" in os.environ:
    django.setup()
    if "CLOCK_BELIEVED" in os.environ:
        believe_it()
    if "CLOCK_JUMPS" in os.environ:
        signal.signal(signal.SIGUSR1, lambda _number, _frame: jump())
    else:
        jump()

"""The switches at work: slow, failing and silent calls of the API. The pay page always works."""

import random
import time

from django.conf import settings
from django.db import close_old_connections

from billing_sandbox.models import Switches
from billing_sandbox.refusals import OutOfOrder

SILENCE_SECONDS = 15
"""Longer than the 10 s that the contract lets a caller wait, short enough to give the thread back soon."""


def before_work(switches: Switches) -> None:
    """Waits for the latency, then fails as often as the error rate says.

    Raises:
        OutOfOrder: the error rate struck.
    """
    pause(switches.latency_ms / 1000)
    if random.random() * 100 < switches.error_percent:  # noqa: S311 - dice, not a secret
        raise OutOfOrder


def after_work(switches: Switches) -> None:
    """Holds the answer back until nobody waits for it any more, if the service is silent."""
    if switches.silent:
        pause(getattr(settings, "BILLING_SANDBOX_SILENCE_SECONDS", SILENCE_SECONDS))


def pause(seconds: float) -> None:
    """Sleeps without holding a database connection."""
    if seconds > 0:
        close_old_connections()
        time.sleep(seconds)

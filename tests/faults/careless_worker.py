"""The worker without one thing that protects it from faults, named by CARELESS.
`celery -A tests.faults.careless_worker`.
"""

import os
import time
from collections.abc import Sequence

import django

from config.celery import app

django.setup()

from sessions_app import ingest  # noqa: E402 - Django must be set up

__all__ = ["app"]
HELD_SECONDS = 20


def acknowledge_first() -> None:
    """Entries leave the stream before they are stored."""
    store = ingest.store_taken

    def store_taken(taken: Sequence[ingest.Taken]) -> int:
        ingest.acknowledge(taken)
        time.sleep(HELD_SECONDS)
        return store(taken)

    setattr(ingest, "store_taken", store_taken)  # noqa: B010 - for mypy it never changes


def wait_for_ever() -> None:
    """A broker that says nothing is waited for."""
    usual = app.conf.broker_transport_options
    app.conf.broker_transport_options = usual | {"socket_timeout": None, "health_check_interval": 0}


globals()[os.environ["CARELESS"]]()

"""The web process without one thing that protects it from faults, named by CARELESS: the tests of these promises must
notice. `gunicorn tests.faults.careless_web`.
"""

import os
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

django.setup()

from config import lanes  # noqa: E402 - Django must be set up
from config.wsgi import application  # noqa: E402
from core import redis as core_redis  # noqa: E402
from core import versioned  # noqa: E402
from core.postgresql import base  # noqa: E402
from orders.providers import waiting  # noqa: E402
from sessions_app import state  # noqa: E402

__all__ = ["application"]


def replace(place: Any, name: str, by: Any) -> None:
    """What is there is no more."""
    setattr(place, name, by)


class Anything(str):
    """A version that is like every other."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


def wait_for_redis() -> None:
    """For three seconds, each time anew."""
    settings.REDIS_TIMEOUT_SECONDS = 3.0
    replace(core_redis, "PAUSE_SECONDS", 0.01)


def believe_old_visits() -> None:
    """What Redis held before it was away."""
    for name in ("TOUCH", "SAVE"):
        replace(state, name, getattr(state, name).replace(state.GUARD, "local epoch = '0'\n"))


def believe_old_orders() -> None:
    """As Redis holds them, whatever PostgreSQL says of their version."""
    usual: Callable[..., Any] = versioned.recall
    replace(
        versioned, "recall", lambda kind, versions: usual(kind, {id_: Anything(text) for id_, text in versions.items()})
    )


def wait_for_postgresql() -> None:
    """A minute."""
    replace(lanes, "SHOPPERS_SECONDS", 60.0)


def trust_connections() -> None:
    """Those of the pool, without a look."""
    replace(base, "check_open", lambda connection: None)


def wait_for_billing() -> None:
    """With every thread, if so many pay."""
    waiting.LONG = 1_000


def nothing() -> None:
    """A web process as it is."""


globals()[os.environ["CARELESS"]]()

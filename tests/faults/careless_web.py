"""The web process without what protects it when Redis or PostgreSQL is away: the tests of these promises must notice.
`gunicorn tests.faults.careless_web`.
"""

from typing import Any

import django
from django.conf import settings

django.setup()

from config import lanes  # noqa: E402 - Django must be set up
from config.wsgi import application  # noqa: E402
from core import redis as core_redis  # noqa: E402
from core.postgresql import base  # noqa: E402
from sessions_app import state  # noqa: E402

__all__ = ["application"]


def replace(place: Any, name: str, by: Any) -> None:
    """What is there is no more."""
    setattr(place, name, by)


settings.REDIS_TIMEOUT_SECONDS = 3.0
replace(core_redis, "PAUSE_SECONDS", 0.01)
for name in ("TOUCH", "SAVE"):
    replace(state, name, getattr(state, name).replace(state.GUARD, "local epoch = '0'\n"))
replace(lanes, "SHOPPERS_SECONDS", 60.0)
replace(base, "check_open", lambda connection: None)

"""A worker that notes more often that it lives, and a job that lasts. `celery -A tests.config.lively`."""

import time

from core import heartbeats

heartbeats.EVERY_SECONDS = 0.1  # type: ignore[assignment] # before whoever looks at it is there

from config.celery import app  # noqa: E402
from core import redis as core_redis  # noqa: E402

__all__ = ["app"]


@app.task(name="lively.last")
def last() -> None:
    """As long as there is a key of that name."""
    while core_redis.call(lambda client: client.exists("lively.last")):
        time.sleep(0.05)

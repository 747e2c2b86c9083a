"""The Celery app: `celery -A config.celery worker`. It goes by the shop's clock, as everything does.

A job's message is dropped when it was not taken up in time (`config.schedule`). Celery compares the clock of whoever
sent it with that of whoever takes it: were one of their machines' wrong by seconds, all would be dropped, silently.
"""

import logging
import os
from datetime import datetime
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, setup_logging, worker_process_init
from celery.utils.log import get_multiprocessing_logger

from core.garbage import keep_what_is_loaded
from core.postgresql import telling_time
from core.postgresql.patience import SHOPPERS_SECONDS, patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Job(Task):  # type: ignore[type-arg] # what it takes and returns is each task's own
    """What a worker runs; `Request` is the message that says so."""

    Request = "config.messages:Message"


class Shop(Celery):
    """Celery by the shop's clock."""

    def now(self) -> datetime:
        return telling_time.now().astimezone(self.timezone)


app = Shop("footfall", task_cls=Job)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
def keep_beating(**_more: Any) -> None:
    """Beat asks little of PostgreSQL, and each second: while it waits for an answer nobody is told to do anything."""
    patience.seconds = SHOPPERS_SECONDS


@worker_process_init.connect
def begin_to_work(**_more: Any) -> None:
    """A job makes thousands of objects at once, as the flusher does of a batch."""
    keep_what_is_loaded()


@setup_logging.connect
def log_as_the_web_does(loglevel: int, **_more: Any) -> None:
    """What Celery says goes where all else goes, in the same form; of all that what `--loglevel` asks for."""
    logging.getLogger().setLevel(loglevel)
    if (pool := get_multiprocessing_logger()) is not None:  # what is said of processes that died
        pool.propagate = True
        pool.setLevel(logging.ERROR)

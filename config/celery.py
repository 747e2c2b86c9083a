"""The Celery app: `celery -A config.celery worker`."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init

from core.postgresql.patience import SHOPPERS_SECONDS, patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("footfall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@beat_init.connect
def keep_beating(**_more: Any) -> None:
    """Beat asks little of PostgreSQL, and each second: while it waits for an answer nobody is told to do anything."""
    patience.seconds = SHOPPERS_SECONDS

"""Celery shells."""

import os
import socket

from celery import shared_task

from core.clock import now
from core.postgresql.patience import waits_at_most
from sessions_app import ingest, lapsed, salts

FLUSHER_SECONDS = 15.0
"""Less than the flusher's turn: one that hears nothing of PostgreSQL gives up before the next takes its place."""


@shared_task
@waits_at_most(FLUSHER_SECONDS)
def flush_events() -> int:
    """Ingest stream to PostgreSQL; every second."""
    return ingest.flush(consumer=f"{socket.gethostname()}-{os.getpid()}")


@shared_task
def close_lapsed_sessions() -> int:
    """`ended_at` of visits that lapsed; every 5 minutes."""
    return lapsed.close_lapsed(now=now())


@shared_task
def rotate_visitor_salt() -> int:
    """Destroys the salts older than 48 hours; every hour, since their days are of UTC."""
    return salts.destroy_old(now=now())

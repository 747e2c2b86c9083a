"""Celery shells."""

from celery import shared_task

from core.clock import now
from sessions_app import ingest, lapsed, salts


@shared_task
def flush_events() -> int:
    """Ingest stream to PostgreSQL; every second."""
    return ingest.flush(consumer=ingest.this_process())


@shared_task
def close_lapsed_sessions() -> int:
    """`ended_at` of visits that lapsed; every 5 minutes."""
    return lapsed.close_lapsed(now=now())


@shared_task
def rotate_visitor_salt() -> int:
    """Destroys the salts older than 48 hours; every hour, since their days are of UTC."""
    return salts.destroy_old(now=now())

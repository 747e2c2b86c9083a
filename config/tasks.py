"""Celery shells."""

from celery import shared_task

from config import retention
from core.clock import now


@shared_task
def cleanup() -> dict[str, int]:
    """Removes what is no longer kept: rows by rule. At night, every ten minutes, since a run takes four at most."""
    tallies = retention.cleanup(now=now(), seconds=retention.SECONDS)
    return {tally.rule.name: tally.rows for tally in tallies if tally.rows}

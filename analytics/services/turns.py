"""One day is computed at a time."""

from analytics.statements import execute

WORK_MEMORY = "64MB"
"""For each hash of the statements, which spill to disk beyond it: memory does not grow with the day."""


def take_turn() -> None:
    """Waits until no other day is being computed, and sets the memory of this one. Both end with the transaction."""
    execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL lock_timeout = 0")
    execute("SELECT pg_advisory_xact_lock(hashtext('analytics.aggregate_day'))")

"""A session of one's own, past a pooler that lends one for a transaction and then gives it to somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

DIRECT = "direct"


@contextmanager
def own_session() -> Iterator[None]:
    """Within a `with` block this thread speaks to PostgreSQL itself: temporary tables, settings and locks of a session
    outlive its transactions. Nothing changes without a pooler. Not within a transaction.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    if DIRECT not in connections or usual.alias == DIRECT:
        yield
        return
    usual.close()
    connections[DEFAULT_DB_ALIAS] = connections.create_connection(DIRECT)
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS].close()
        connections[DEFAULT_DB_ALIAS] = usual

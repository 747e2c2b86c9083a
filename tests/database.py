"""A database that is not there."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.world import replace_pool


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody answers where PostgreSQL was, for the length of a `with` block. Not within a transaction."""
    configured = connection.settings_dict
    usual_host, usual_pool = configured["HOST"], configured["OPTIONS"]["pool"]
    try:
        configured["HOST"] = "/nowhere"
        replace_pool(usual_pool | {"timeout": 0.1, "reconnect_timeout": 0.1})
        yield
    finally:
        configured["HOST"] = usual_host
        replace_pool(usual_pool)

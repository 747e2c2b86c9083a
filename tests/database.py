"""A database that is not there, and one that lets everything happen."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from orders.models import Order
from tests.factories import with_its_times
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


@contextmanager
def another_database(name: str) -> Iterator[None]:
    """What asks the database in a `with` block asks this one, on the same server. Not within a transaction."""
    configured = connection.settings_dict
    usual, pool = configured["NAME"], configured["OPTIONS"]["pool"]
    try:
        configured["NAME"] = name
        replace_pool(pool)
        yield
    finally:
        configured["NAME"] = usual
        replace_pool(pool)


def take_time() -> None:
    """The test's transaction may be idle for longer than the shop lets one be: `make promises` computes for minutes."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def unguarded() -> Iterator[None]:
    """No trigger refuses what is written in a `with` block; constraints do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def force_status(status: str) -> None:
    """Every order has this status, though no way may lead there."""
    with unguarded():
        Order.objects.update(**with_its_times(status))

"""The tables as they were, and as they are."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(app: str, name: str) -> None:
    """Forwards or back to one migration; what stands on it in other apps goes back with it."""
    MigrationExecutor(connection).migrate([(app, name)])


def migrate_to_the_latest() -> None:
    """Every app."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

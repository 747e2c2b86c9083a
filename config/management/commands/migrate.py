"""`manage.py migrate`: Django's, which waits for no table while others wait behind it."""

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations.migration import Migration

from config.migrating import again_and_again, careful, make_way
from core.management.endings import interruptions


class Command(migrate.Command):
    """As Django's. What was applied before it is stopped, or gives up, stays; run again it goes on there."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        with interruptions(stopped="Stopped. Run it again to go on."), careful(self.stderr.write):
            again_and_again(lambda: super(Command, self).handle(*args, **options), self.stderr.write)

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Django calls it before and after each migration."""
        if migration is not None and action in ("apply_start", "unapply_start"):
            make_way(migration)
        super().migration_progress_callback(action, migration, fake)

"""`manage.py restore FILE`: a backup taken back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from config.backing_up import BackupError, database, restore
from core.terminal import ask


class Command(BaseCommand):
    """Fills an empty database."""

    requires_system_checks: list[str] = []  # there is nothing to check yet
    help = (
        "Fills the database of DATABASE_URL, which must be empty, from a FILE that `backup` made, and empties the "
        "Redis of REDIS_URL. Stop web, workers and beat first. All comes back, or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: it could not be taken back, and the database is empty still.
        """
        if not options["yes"]:
            self.ask()
        try:
            restore(options["file"])
        except (BackupError, RedisError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{database()} is filled. Run `prepare` and start the shop; a few minutes later, when windows that ended "
            "meanwhile are closed, `verify_integrity` must find nothing."
        )

    def ask(self) -> None:
        """Lets people look at what they do.

        Raises:
            CommandError: they would rather not, or nobody is there to ask.
        """
        try:
            answer = ask(f"Fill {database()} and empty Redis? [y/N] ", stderr=self.stderr)
        except EOFError as error:
            raise CommandError("Nothing was done: there is nobody to ask. --yes does not ask.") from error
        if answer.lower() != "y":
            raise CommandError("Nothing was done.")

"""`manage.py backup FILE`: the database in a file."""

from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.backing_up import BackupError, back_up
from core.management.endings import interruptions


class Command(BaseCommand):
    """Makes it, while the shop goes on."""

    help = (
        "Writes the whole database, as it is at this moment, into FILE, which must not be there. The shop goes on "
        "meanwhile. The file holds everything about everybody: keep it where nobody else can read it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: it could not be made; there is no file then.
        """
        begun = monotonic()
        try:
            with interruptions(stopped="Stopped. There is no file."):
                back_up(options["file"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        size = options["file"].stat().st_size / 1024**2
        self.stdout.write(f"{options['file']}: {size:,.1f} MB in {monotonic() - begun:,.1f} s.")

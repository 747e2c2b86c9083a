"""`manage.py export_customer EMAIL`: everything held about somebody, as JSON."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from core import personal_data
from core.clock import now
from customers.emails import normal_email
from customers.selectors import subject_with_email


class Command(BaseCommand):
    """Gives out what the API's `account/export` does."""

    help = "Everything held about the customer of an e-mail address, as JSON. Exit code 1 if nothing is held."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("email")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file, which only you may read")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Writes it.

        Raises:
            CommandError: nothing is held, or the file cannot be written.
        """
        held = personal_data.export(subject_with_email(normal_email(options["email"])))
        if not any(held.values()):
            raise CommandError("Nothing is held about this address.")
        text = json.dumps({"exportedAt": now(), "held": held}, indent=2, cls=DjangoJSONEncoder, ensure_ascii=False)
        if options["output"] is None:
            self.stdout.write(text)
        else:
            write(options["output"], text)
            self.stderr.write(f"Written to {options['output']}.")


def write(file: Path, text: str) -> None:
    """Writes a file that is not there yet, for nobody else to read.

    Raises:
        CommandError: it is there, or cannot be written.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error

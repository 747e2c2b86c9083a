"""`manage.py erase_again LOG...`: after a backup was taken back, erases who was erased since."""

from __future__ import annotations

import fileinput
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import personal_data
from core.clock import now
from core.personal_data import Subject
from core.terminal import print_json
from customers.selectors import is_of_staff, subject_told


class Command(BaseCommand):
    """What the log tells of each erasing is enough to do it once more."""

    help = (
        "After a backup was taken back: erases the customers and visitors of whom the log says that they were erased, "
        "as it was done then. Lines of before the backup do no harm. Accounts of staff are left alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument(
            "logs", nargs="+", metavar="LOG", help="what web wrote, in either form; - is standard input"
        )
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erases, and says how many the log told of.

        Raises:
            CommandError: a log cannot be read.
        """
        told = list(map(subject_told, erased_in(options["logs"])))
        may_go = [subject for subject in told if not is_of_staff(subject)]
        for subject in may_go:
            personal_data.erase(subject, now=now())
        if options["json"]:
            print_json(self.stdout, {"told": len(told), "erased": len(may_go)})
        else:
            self.stdout.write(f"The log tells of {len(told)} erasings; done again: {len(may_go)}.")


def erased_in(logs: list[str]) -> list[Subject]:
    """Whom they tell of, each once, in that order.

    Raises:
        CommandError: one cannot be read.
    """
    try:
        with fileinput.input(logs, encoding="utf-8", errors="replace") as lines:
            return list(dict.fromkeys(subject for line in lines if (subject := Subject.erased_in(line))))
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error

"""`manage.py poll_billing`: asks billing about open payments now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.clock import now
from core.management.endings import interruptions
from core.management.rounds import tell
from orders.services import poll_billing


class Command(BaseCommand):
    """One round of the poll."""

    help = (
        "Asks billing about the payments that are due to be asked about, and settles what it learns: one round of the "
        "job, which may run at the same time. Exit code 1 if anything could not be asked or settled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: there were errors, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        with interruptions(stopped="Stopped. What was not asked is asked within a minute."):
            done = poll_billing(now=now())
        facts = [("Checked", done.checked), ("Still open", done.still_open), ("Changed", done.changed)]
        tell(self.stdout, facts, done.errors, title="Poll of billing", as_json=options["json"])

"""`manage.py expire_orders`: closes the orders whose payment window has passed now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.clock import now
from core.management.endings import interruptions
from core.management.rounds import tell
from orders.services import expire_due


class Command(BaseCommand):
    """One run of expiry."""

    help = (
        "Closes the orders whose payment window has passed, after a last question to billing: one run of the job, "
        "which may run at the same time. What a run has no time for is left to the next. Exit code 1 if billing was "
        "asked in vain."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: there were errors, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        with interruptions(stopped="Stopped. Run it again to go on."):
            done = expire_due(now=now())
        facts = [
            ("Checked", done.checked),
            ("Still open", done.still_open),
            ("Changed", done.changed),
            ("Expired", done.expired),
            ("Paid", done.paid),
        ]
        tell(self.stdout, facts, done.errors, title="Expiry", as_json=options["json"])

"""`manage.py deliver_outbox`: tells other services what happened now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.clock import now
from core.management.endings import interruptions
from core.management.rounds import tell
from orders.outbox import deliver_outbox


class Command(BaseCommand):
    """One round of delivery."""

    help = (
        "Adds new events to the Redis stream and sends what is due to webhook subscribers: one round of the job, which "
        "may run at the same time. What fails is tried again by itself. Exit code 1 if a subscriber did not take it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: there were errors, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        with interruptions(stopped="Stopped. What was under way is sent within two minutes."):
            done = deliver_outbox(now=now())
        facts = [
            ("Spread", done.spread),
            ("Streamed", done.streamed),
            ("Delivered", done.delivered),
            ("Dead", done.dead),
        ]
        tell(self.stdout, facts, done.errors, title="Events out", as_json=options["json"])

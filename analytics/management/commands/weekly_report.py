"""`manage.py weekly_report [--week 2026-W48] [--to ADDRESS]`: the weekly report, to read or to try."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.weekly.letters import text_of
from analytics.weekly.report import report_of
from analytics.weekly.sending import NoReaderError, queue_weekly_report
from analytics.weekly.weeks import Week, WeekError, finished_week, week_before
from core.clock import now
from core.management.endings import interruptions


def week_argument(text: str) -> Week:
    """The `--week` argument.

    Raises:
        ArgumentTypeError: there is no such week, or it is not over.
    """
    try:
        return finished_week(text, now=now())
    except WeekError as error:
        raise ArgumentTypeError(str(error)) from error


class Command(BaseCommand):
    """Prints a report, or mails it to one person."""

    help = (
        "Prints the weekly report as text, with all that needs attention. With --to it is mailed instead, pictures and "
        "all, to one of the staff who get it: once more if they have it already, and with what they may see."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--week", type=week_argument, metavar="2026-W48", help="an ISO week; the last that is over")
        parser.add_argument("--to", metavar="ADDRESS", help="mail it to this member of staff, who ticked it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: nobody with this address gets it, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        week = options["week"] or week_before(now())
        with interruptions(stopped="Stopped. Nothing was sent."):
            if options["to"] is None:
                self.stdout.write(text_of(report_of(week)))
            else:
                self.send(options["to"], week)

    def send(self, address: str, week: Week) -> None:
        """Queues the mail.

        Raises:
            CommandError: nobody with this address gets it.
        """
        try:
            user = queue_weekly_report(address=address, week=week, now=now())
        except NoReaderError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The report of {week} goes to {user.email} within seconds: see Mails in the admin.")

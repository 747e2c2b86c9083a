"""`manage.py demo`: a shop worth looking at."""

from argparse import ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.demo.build import Result, build_demo
from analytics.demo.shop import NotInDevelopmentError
from analytics.demo.tables import STAFF_EMAIL, STAFF_PASSWORD
from core.clock import now
from core.management.endings import interruptions
from core.terminal import print_json, print_table, progress

MOST_DAYS = 1_000


def day_count(text: str) -> int:
    """The `--days` argument.

    Raises:
        ArgumentTypeError: not a number of 1 to `MOST_DAYS`.
    """
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"a number from 1 to {MOST_DAYS}")
    return int(text)


class Command(BaseCommand):
    """Writes the demo shop where there is none."""

    help = "Products, staff, customers and a believable history. Adds nothing to a shop that has products."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=day_count, default=90, help="days of history, today included (90)")
        parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same shop (7)")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        try:
            with (
                interruptions(stopped="Stopped. Nothing was added."),
                progress("Making the demo shop", total=2 * days, stderr=self.stderr) as bar,
            ):
                result = build_demo(days=days, seed=options["seed"], now=now(), reached=bar.reached)
        except NotInDevelopmentError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            print_json(self.stdout, asdict(result))
        else:
            self.tell(result)

    def tell(self, result: Result) -> None:
        """The same for people."""
        if result.created:
            rows = [(name.replace("_", " "), amount) for name, amount in asdict(result).items() if name != "created"]
            print_table(self.stdout, rows, title="The demo shop")
        else:
            self.stdout.write("This shop has products already: nothing was added.")
        self.stdout.write(f"Staff login: {STAFF_EMAIL}, password {STAFF_PASSWORD}")

"""`manage.py aggregate_metrics --from 2026-01-01 --to 2026-03-31`: computes the rows of these days anew."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analytics.selectors import first_day
from analytics.services import RangeError, aggregate_range
from core.clock import now, shop_day


class Command(BaseCommand):
    help = "Computes daily metrics and breakdowns anew from visits and orders. Running it twice gives the same rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, help="First day; that of the first visit or order."
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="Last day; today.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object, for machines.")

    def handle(self, *args: Any, **options: Any) -> None:
        last = options["last"] or shop_day(now())
        first = options["first"] or first_day() or last
        began = monotonic()
        try:
            with progress_bar((last - first).days + 1, shown=not options["json"]) as advance:
                days = aggregate_range(first=first, last=last, now=now(), progress=advance)
        except RangeError as error:
            raise CommandError(str(error)) from error
        answer = {"from": str(first), "to": str(last), "days": days, "seconds": round(monotonic() - began, 3)}
        text = f"{days} days, {first} to {last}, in {answer['seconds']} s."
        self.stdout.write(json.dumps(answer) if options["json"] else text)


@contextmanager
def progress_bar(total: int, *, shown: bool) -> Iterator[Callable[[date], None]]:
    """A bar on the error stream, so that the answer can be piped; yields what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task("days", total=total)
        yield lambda day: bar.update(task, advance=1, description=str(day))

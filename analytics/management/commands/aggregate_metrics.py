"""`manage.py aggregate_metrics --from 2026-01-01 --to 2026-03-31`: computes the rows of these days anew."""

import json
from argparse import ArgumentParser
from datetime import date, timedelta
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from analytics.models import AggregationRun
from analytics.selectors import first_day
from analytics.services import RangeError, begin_run, finish_run, stopped_run
from core.clock import now, shop_day
from core.management.endings import STOPPED, why
from core.terminal import progress


class Command(BaseCommand):
    """Computes history again, or goes on with what was stopped."""

    help = (
        "Computes the metrics of days, of their hours and their breakdowns anew from visits and orders. Running it "
        "twice gives the same rows. Of days whose visits are being removed, which are frozen, only orders are counted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, help="First day; that of the first visit or order."
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="Last day; today.")
        parser.add_argument(
            "--resume", action="store_true", help="Go on with the last run that was stopped, where it was stopped."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object, for machines.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: there are no such days, nothing was stopped, PostgreSQL is away, or Ctrl-C (exit code 130).
        """
        run: AggregationRun | None = None
        try:
            run = asked_for(**options)
            self._finish(run, as_json=options["json"])
        except RangeError as error:
            raise CommandError(str(error)) from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"PostgreSQL cannot be asked: {why(error)}\n{reached(run)}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {reached(run)}".strip(), returncode=STOPPED) from None

    def _finish(self, run: AggregationRun, *, as_json: bool) -> None:
        began, days = monotonic(), run.days_to_do
        with progress("Days", total=len(days), stderr=self.stderr) as bar:
            frozen = finish_run(run, now=now(), progress=lambda day: bar.reached((day - days[0]).days + 1))
        seconds, computed = round(monotonic() - began, 3), len(days) - len(frozen)
        if as_json:
            answer = {"from": str(days[0]), "to": str(days[-1]), "days": computed, "frozen": list(map(str, frozen))}
            self.stdout.write(json.dumps(answer | {"seconds": seconds}))
            return
        self.stdout.write(f"{computed} days, {days[0]} to {days[-1]}, in {seconds} s.")
        if frozen:
            self.stdout.write(f"Frozen, of which only orders were counted: {', '.join(stretches(frozen))}.")


def asked_for(*, first: date | None, last: date | None, resume: bool, **_others: Any) -> AggregationRun:
    """The run over the days asked for, or the one to go on with.

    Raises:
        CommandError: there is none to go on with, or both were asked for.
        RangeError: the range ends before it begins.
    """
    if not resume:
        end = last or shop_day(now())
        return begin_run(first=first or first_day() or end, last=end, now=now())
    if first or last:
        raise CommandError("--resume goes on with the days of the run that was stopped: leave out --from and --to.")
    if (run := stopped_run()) is None:
        raise CommandError("No run was stopped: there is nothing to go on with.")
    return run


def reached(run: AggregationRun | None) -> str:
    """How far a run came, and how it goes on."""
    if run is None:
        return ""
    total, done = len(run.days), len(run.days) - len(run.days_to_do)
    last = f", the last one {run.reached}" if run.reached else ""
    return f"{done} of {total} days are computed{last}. Go on with: manage.py aggregate_metrics --resume"


def stretches(days: list[date]) -> list[str]:
    """Days in a row as one: `2026-01-01 to 2026-01-31`."""
    found: list[list[date]] = []
    for day in days:
        if found and day == found[-1][-1] + timedelta(days=1):
            found[-1].append(day)
        else:
            found.append([day])
    return [str(row[0]) if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in found]

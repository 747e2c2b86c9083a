"""`manage.py import_orders FILE`: the orders of another shop from CSV."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.management.base import CommandError

from analytics.touched import TouchedDays
from core.clock import now
from core.money import ZERO, money_string
from core.spreadsheets import Report, Sheet, Source
from core.spreadsheets.command import ImportCommand
from core.terminal import Reporter, progress
from orders.transfer import ImportRunningError, Tally, import_orders
from orders.transfer.dates import USUAL, WRITTEN
from orders.transfer.rows import SHEET, Notation


class Command(ImportCommand):
    """Imports the file, writes down what was refused, and makes the metrics of its days."""

    help = (
        "Adds the orders of another shop, and what it gave back, from a CSV file with a line for each line of an order "
        "(docs/history.md). Orders that cannot be taken are written to a report with their reasons; the others are "
        "stored. Importing a file twice adds nothing; one that was stopped is just run again."
    )
    sheet = SHEET

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.tally = Tally()
        self.touched = TouchedDays()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        super().add_arguments(parser)
        parser.add_argument("--dates", choices=list(WRITTEN), default=USUAL, help=f"how days are written ({USUAL})")
        parser.add_argument("--decimal-comma", action="store_true", help="amounts are written 48,90")

    def store(self, source: Source, sheet: Sheet, report: Report, bar: Reporter, options: Mapping[str, Any]) -> None:
        with ExitStack() as bars:

            @cache
            def second(total: int) -> Reporter:
                return bars.enter_context(progress("Storing", total=total, stderr=self.stderr))

            try:
                import_orders(
                    lines=source,
                    sheet=sheet,
                    notation=Notation(now(), options["dates"], decimal_comma=options["decimal_comma"]),
                    dry_run=options["dry_run"],
                    tally=self.tally,
                    refused=report.add,
                    touched=self.touched.add,
                    read=lambda: bar.reached(source.position()),
                    stored=lambda stored, total: second(total).reached(stored),
                )
            except ImportRunningError as error:
                raise CommandError(str(error)) from error
        self.touched.compute(self.stderr)

    def reached(self) -> str:
        tally = self.tally
        if not tally.lines:
            return ""
        return (
            f"{tally.lines:,} lines were read, {tally.added:,} orders and {tally.refunds_added:,} refunds are stored."
        )

    def refused_lines(self) -> int:
        return self.tally.refused_lines

    def totals(self) -> tuple[Decimal, Decimal]:
        """Sales and refunds of the file."""
        days = self.tally.days.values()
        return sum((day.sales for day in days), ZERO), sum((day.refunded for day in days), ZERO)

    def figures(self) -> dict[str, object]:
        tally, (sales, refunded) = self.tally, self.totals()
        return {
            "lines": tally.lines,
            "refusedLines": tally.refused_lines,
            "orders": tally.orders,
            "added": tally.added,
            "unchanged": tally.unchanged,
            "refunds": tally.refunds,
            "refundsAdded": tally.refunds_added,
            "refundsUnchanged": tally.refunds_unchanged,
            "refundsOfNoKnownOrder": tally.unmatched,
            "sales": money_string(sales),
            "refunded": money_string(refunded),
            "days": {
                str(day): {
                    "orders": totals.orders,
                    "sales": money_string(totals.sales),
                    "refunds": totals.refunds,
                    "refunded": money_string(totals.refunded),
                }
                for day, totals in tally.days.items()
            },
        }

    def rows(self) -> list[tuple[str, object]]:
        tally, (sales, refunded) = self.tally, self.totals()
        return [
            ("Lines", tally.lines),
            ("  refused", tally.refused_lines),
            ("Orders", tally.orders),
            ("  added", tally.added),
            ("  there already", tally.unchanged),
            ("Refunds", tally.refunds),
            ("  added", tally.refunds_added),
            ("    of no order that is known", tally.unmatched),
            ("  there already", tally.refunds_unchanged),
            ("Sales of the file", money_string(sales)),
            ("Refunded in the file", money_string(refunded)),
            ("Days", len(tally.days)),
            ("From", min(tally.days, default=None)),
            ("To", max(tally.days, default=None)),
        ]

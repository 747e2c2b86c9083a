"""`manage.py import_products FILE`: products from CSV."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.transfer import Tally, import_products
from catalog.transfer.rows import COLUMNS
from core.spreadsheets import Report, WrongSheetError, open_source
from core.terminal import print_json, print_table, progress


class Command(BaseCommand):
    """Imports the file, and writes down what was refused."""

    help = (
        "Makes products what a CSV file says: adds those whose SKU is new, changes those that differ, removes none. "
        f"Columns: {', '.join(COLUMNS)}. Lines that cannot be taken are written to a report with their reasons; the "
        "others are stored. Importing a file twice adds and changes nothing; one that was stopped is just run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("file", help="the CSV file, UTF-8, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")
        parser.add_argument(
            "--report", metavar="FILE", help="where refused lines go (default: beside the file, as FILE.refused.csv)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs the import.

        Raises:
            CommandError: the file cannot be read or is none of products, lines were refused, PostgreSQL is away, or
                Ctrl-C (exit code 130).
        """
        tally, path = Tally(), options["file"]
        report = Report(Path(options["report"] or ("products" if path == "-" else path) + ".refused.csv"))
        if report.path.exists() and Path(path).exists() and report.path.samefile(path):
            raise CommandError("The report would take the place of the file. Name another with --report.")
        try:
            with report:
                self._import(path, report, tally, dry_run=options["dry_run"])
        except (WrongSheetError, OSError, DatabaseError) as error:
            raise CommandError(f"{str(error).strip()} {_reached(tally)}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_reached(tally)} Run it again to go on.", returncode=130) from None
        if options["json"]:
            print_json(self.stdout, _figures(tally) | {"dryRun": options["dry_run"], "report": report.written_to})
        else:
            print_table(
                self.stdout, _rows(tally), title="Would be done" if options["dry_run"] else f"Products of {path}"
            )
        if tally.refused:
            raise CommandError(f"Lines refused: {tally.refused:,}. Why: {report.path}")

    def _import(self, path: str, report: Report, tally: Tally, *, dry_run: bool) -> None:
        with (
            open_source(path) as source,
            progress("Importing", total=source.size, stderr=self.stderr, in_bytes=True) as bar,
        ):
            import_products(
                lines=source,
                actor=None,
                dry_run=dry_run,
                tally=tally,
                refused=report.add,
                advanced=lambda: bar.reached(source.position()),
            )


def _reached(tally: Tally) -> str:
    if not tally.products:
        return ""
    return f"{tally.added:,} products were added and {tally.changed:,} changed by then."


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "products": tally.products,
        "added": tally.added,
        "changed": tally.changed,
        "unchanged": tally.unchanged,
        "refused": tally.refused,
        "stockMovements": tally.moved,
        "categoriesAdded": len(tally.categories),
    }


def _rows(tally: Tally) -> list[tuple[str, object]]:
    return [
        ("Products in the file", tally.products),
        ("  added", tally.added),
        ("  changed", tally.changed),
        ("  the same already", tally.unchanged),
        ("  refused", tally.refused),
        ("Stock movements", tally.moved),
        ("Categories added", len(tally.categories)),
    ]

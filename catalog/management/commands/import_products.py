"""`manage.py import_products FILE`: products from CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.transfer import Tally, import_products
from catalog.transfer.rows import SHEET
from core.spreadsheets import Report, Sheet, Source
from core.spreadsheets.command import ImportCommand
from core.terminal import Reporter


class Command(ImportCommand):
    """Imports the file, and writes down what was refused."""

    help = (
        "Makes products what a CSV file says: adds those whose SKU is new, changes those that differ, removes none. "
        "Lines that cannot be taken are written to a report with their reasons; the others are stored. Importing a "
        "file twice adds and changes nothing; one that was stopped is just run again."
    )
    sheet = SHEET

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.tally = Tally()

    def store(self, source: Source, sheet: Sheet, report: Report, bar: Reporter, options: Mapping[str, Any]) -> None:
        import_products(
            lines=source,
            sheet=sheet,
            actor=None,
            dry_run=options["dry_run"],
            tally=self.tally,
            refused=report.add,
            advanced=lambda: bar.reached(source.position()),
        )

    def reached(self) -> str:
        tally = self.tally
        if not tally.products:
            return ""
        return f"{tally.added:,} products were added and {tally.changed:,} changed by then."

    def refused_lines(self) -> int:
        return self.tally.refused

    def figures(self) -> dict[str, object]:
        tally = self.tally
        return {
            "products": tally.products,
            "added": tally.added,
            "changed": tally.changed,
            "unchanged": tally.unchanged,
            "refused": tally.refused,
            "stockMovements": tally.moved,
            "categoriesAdded": len(tally.categories),
        }

    def rows(self) -> list[tuple[str, object]]:
        tally = self.tally
        return [
            ("Products in the file", tally.products),
            ("  added", tally.added),
            ("  changed", tally.changed),
            ("  the same already", tally.unchanged),
            ("  refused", tally.refused),
            ("Stock movements", tally.moved),
            ("Categories added", len(tally.categories)),
        ]

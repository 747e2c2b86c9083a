"""Product files for tests."""

from __future__ import annotations

import csv
import io
from typing import Any

from catalog.models import Product
from catalog.transfer import Kind, Stored, Tally, import_products, product_lines
from core.spreadsheets import Refusal


def csv_of(*rows: dict[str, Any]) -> bytes:
    """A file of these products; the columns are those of the first. What is not said is a mug for 20.00."""
    filled = [{"sku": f"SKU-{number}", "name": "Mug", "price": "20.00"} | row for number, row in enumerate(rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(filled[0]) if filled else ["sku", "name", "price"])
    writer.writeheader()
    writer.writerows(filled)
    return text.getvalue().encode()


class Done:
    """An import and what came of it."""

    def __init__(self, content: bytes, *, actor: Any = None, dry_run: bool = False) -> None:
        self.tally = Tally()
        self.refused: list[Refusal] = []
        self.stored: list[Stored] = []
        import_products(
            lines=io.BytesIO(content),
            actor=actor,
            dry_run=dry_run,
            tally=self.tally,
            refused=self.refused.append,
            stored=self.stored.append,
        )

    @property
    def kinds(self) -> list[Kind]:
        """What became of each product that was taken."""
        return [stored.kind for stored in self.stored]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """What was refused, and why."""
        return [(refusal.line, refusal.field, refusal.reason) for refusal in self.refused]


def imported(*rows: dict[str, Any], actor: Any = None, dry_run: bool = False) -> Done:
    """Imports a file of these products."""
    return Done(csv_of(*rows), actor=actor, dry_run=dry_run)


def exported() -> str:
    """The file of all products."""
    return "".join(product_lines(Product.objects.all()))

"""Order files for tests."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

from core.spreadsheets import Refusal
from orders.transfer import Tally, import_orders
from orders.transfer.rows import Notation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def csv_of(*rows: dict[str, Any]) -> bytes:
    """A file of these lines. What is not said is one mug for 20.00, ordered as 1, 2, 3 ... on 2 January 2026."""
    usual = {"placed_at": "2026-01-02 10:00", "sku": "MUG", "name": "Mug", "quantity": "1", "unit_price": "20.00"}
    filled = [{"number": str(number), **usual, **row} for number, row in enumerate(rows, start=1)]
    columns = list(dict.fromkeys(column for row in filled for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(filled)
    return text.getvalue().encode()


class Done:
    """An import and what came of it."""

    def __init__(self, content: bytes, *, dry_run: bool = False, **notation: Any) -> None:
        self.tally = Tally()
        self.refused: list[Refusal] = []
        self.touched: set[date] = set()
        import_orders(
            lines=io.BytesIO(content),
            notation=Notation(NOW, **notation),
            dry_run=dry_run,
            tally=self.tally,
            refused=self.refused.append,
            touched=self.touched.update,
        )

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """What was refused, and why."""
        return [(refusal.line, refusal.field, refusal.reason) for refusal in self.refused]


def imported(*rows: dict[str, Any], **options: Any) -> Done:
    """Imports a file of these lines."""
    return Done(csv_of(*rows), **options)

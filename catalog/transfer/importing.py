"""The import: records are read and checked one by one, and stored in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser

from catalog.transfer.rows import SHEET, Row, read_row
from catalog.transfer.storing import Kind, Stored, store, temporary_tables
from core.spreadsheets import Record, Refusal, Sheet, records

BATCH = 2_000
"""Products. Shoppers who want one that is being changed wait for its batch, which takes less than a second."""

__all__ = ["Kind", "Stored", "Tally", "import_products"]


@dataclass
class Tally:
    """What was found so far. products = added + changed + unchanged + refused. `moved` counts movements of stock."""

    products: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    moved: int = 0
    categories: set[str] = field(default_factory=set)

    def take(self, stored: Stored) -> None:
        """Counts a row that was taken."""
        self.added += stored.kind == Kind.ADDED
        self.changed += stored.kind == Kind.CHANGED
        self.unchanged += stored.kind == Kind.UNCHANGED
        self.moved += stored.moved != 0


def nothing(_stored: Stored) -> None:
    """For those who need no list of what was stored."""


def import_products(
    *,
    lines: Iterable[bytes],
    actor: AbstractBaseUser | None,
    dry_run: bool,
    tally: Tally,
    refused: Callable[[Refusal], None],
    stored: Callable[[Stored], None] = nothing,
    sheet: Sheet = SHEET,
    advanced: Callable[[], None] = lambda: None,
) -> None:
    """Makes products what the lines of a CSV file say. A product is known by its SKU; none is removed.

    A line that cannot be taken is refused, with everything that is wrong with it, and the others are stored. What is
    the same already is left alone, so a file may be imported again at will: after an error or Ctrl-C too, which leave
    the batches before stored and `tally` true. Stock is set to the number of the file through the ledger, in `actor`'s
    name. A dry run says the same and keeps nothing. `sheet` is how this file has the columns of `SHEET`.

    Raises:
        WrongSheetError: the file is none of products; nothing was stored.
        IntegrityError: others made the same products at the same moment, again and again.
    """
    importing = Importing(actor=actor, dry_run=dry_run, tally=tally, refused=refused, stored=stored)
    with temporary_tables():
        for record in records(lines, sheet):
            importing.add(record)
            if len(importing.pending) >= BATCH:
                importing.store()
                advanced()
        importing.store()
    advanced()


@dataclass
class Importing:
    """What is held of a file while it is read."""

    actor: AbstractBaseUser | None
    dry_run: bool
    tally: Tally
    refused: Callable[[Refusal], None]
    stored: Callable[[Stored], None]
    pending: list[Row] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Keeps a product for its batch, or refuses the line."""
        self.tally.products += 1
        row = [Refusal(record.line, "", record.problem)] if record.problem else read_row(record.line, record.cells)
        if isinstance(row, Row):
            self.pending.append(row)
        else:
            self.refuse(row)

    def refuse(self, refusals: list[Refusal]) -> None:
        """Passes on what is wrong with lines."""
        self.tally.refused += len({refusal.line for refusal in refusals})
        for refusal in refusals:
            self.refused(refusal)

    def store(self) -> None:
        """Stores the batch."""
        if not self.pending:
            return
        outcome = store(self.pending, actor=self.actor, dry_run=self.dry_run)
        self.pending = []
        self.refuse(outcome.refused)
        self.tally.categories |= outcome.categories
        for stored in outcome.stored:
            self.tally.take(stored)
            self.stored(stored)

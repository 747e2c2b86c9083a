"""The import: lines are read and checked one by one, put together to orders, and stored in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain

from django.db import connection

from core.money import ZERO
from core.spreadsheets import Record, Refusal, Sheet, records
from orders.transfer import statements, storing
from orders.transfer.rows import SHEET, Line, Notation, Reader
from orders.transfer.storing import ImportRunningError

__all__ = ["DayTotals", "ImportRunningError", "Tally", "import_orders"]
EVERY = 2_000
"""Lines between two words about how far it came."""


@dataclass(frozen=True)
class DayTotals:
    """What a file has of one day of the shop: orders paid and refunds made. `sales` and `refunded` are money."""

    orders: int = 0
    sales: Decimal = ZERO
    refunds: int = 0
    refunded: Decimal = ZERO


@dataclass
class Tally:
    """What was found so far.

    Without what is refused, and once it is over: orders = added + unchanged, refunds alike. `unmatched` are refunds, of
    those that were added, whose order is not known. `days` is what the file has, stored before or not.
    """

    lines: int = 0
    refused_lines: int = 0
    orders: int = 0
    added: int = 0
    unchanged: int = 0
    refunds: int = 0
    refunds_added: int = 0
    refunds_unchanged: int = 0
    unmatched: int = 0
    days: dict[date, DayTotals] = field(default_factory=dict)

    def lose(self, lost: Mapping[date, tuple[int, Decimal]]) -> None:
        """Takes refunds off that were refused after all: how many and how much by day."""
        for day, (number, amount) in lost.items():
            had = self.days[day]
            self.refunds -= number
            self.days[day] = replace(had, refunds=had.refunds - number, refunded=had.refunded - amount)


def import_orders(
    *,
    lines: Iterable[bytes],
    sheet: Sheet = SHEET,
    notation: Notation,
    dry_run: bool,
    tally: Tally,
    refused: Callable[[Refusal], None],
    touched: Callable[[set[date]], None],
    read: Callable[[], None] = lambda: None,
    stored: Callable[[int, int], None] = lambda _stored, _all: None,
) -> None:
    """Adds the orders of another shop, which were paid or closed there, and what it gave back.

    The lines of an order may stand anywhere in the file. An order, known by its number, is stored whole or refused,
    each of its lines with a reason. One that is there already is left alone: a file may be imported again at will,
    after an error or Ctrl-C too, which leave the batches before stored and `tally` true. Nothing is mailed or
    announced, no stock moves. Products are known by their SKU, customers by their address.

    Pieces below 0 are a refund. It is of the order that it names, else of the latest imported order of its customer
    that had these goods at these prices and has so much left, else of none: then it counts for its day alone.

    `touched` is told, inside the transaction that changes them, which days of the shop have other numbers now; `read`
    that more was read, `stored` how many orders and refunds are stored, and of how many.

    Raises:
        WrongSheetError: the file is none of orders; nothing was stored.
        ImportRunningError: another import of orders is running; nothing was stored.
    """
    importing = Importing(tally, refused, read)
    with storing.alone():
        importing.load(records(lines, sheet), Reader(notation))
        importing.put_together()
        if dry_run:
            return
        new = tally.orders - tally.unchanged + tally.refunds - tally.refunds_unchanged
        for batch in storing.store_all(storing.store_orders, notes=False, touched=touched):
            tally.added += batch.stored
            stored(tally.added, new)
        storing.know_sizes()
        for batch in storing.store_all(storing.refund_storing(notation.now), notes=True, touched=touched):
            tally.refunds_added += batch.stored
            tally.unmatched += batch.stored - batch.matched
            tally.lose(batch.lost)
            stored(tally.added + tally.refunds_added, new)
        importing.refuse_orders()


@dataclass
class Importing:
    """An import under way."""

    tally: Tally
    refused: Callable[[Refusal], None]
    read: Callable[[], None]

    def load(self, found: Iterator[Record], reader: Reader) -> None:
        """Reads the file. Its first line tells which of the columns it has."""
        for first in found:
            columns = [column for column in storing.COLUMNS if column in first.cells] or storing.COLUMNS
            storing.load(self.lines(chain([first], found), reader), columns)

    def lines(self, found: Iterable[Record], reader: Reader) -> Iterator[Line]:
        """The lines of the file. What is wrong with one is told at once."""
        for record in found:
            line, refusals = reader.line_of(record)
            self.tally.lines += 1
            self.refuse(refusals)
            if self.tally.lines % EVERY == 0:
                self.read()
            yield line
        self.read()

    def refuse(self, refusals: list[Refusal]) -> None:
        """Passes on what is wrong with lines."""
        self.tally.refused_lines += len({refusal.line for refusal in refusals})
        for refusal in refusals:
            self.refused(refusal)

    def refuse_orders(self) -> None:
        """Passes on why lines are not taken that nothing was wrong with by themselves."""
        for refusal in storing.refusals():
            self.refuse([refusal])

    def put_together(self) -> None:
        """Makes orders of the lines, and says of each whether it is refused, there already, or new."""
        storing.put_together()
        self.refuse_orders()
        self.tally.orders, self.tally.refunds = storing.count(statements.COUNTS)
        with connection.cursor() as cursor:
            cursor.execute(statements.TOTALS, storing.parameters())
            self.tally.days = {day: DayTotals(*totals) for day, *totals in cursor.fetchall()}
        self.tally.unchanged, self.tally.refunds_unchanged = storing.count(statements.THERE)

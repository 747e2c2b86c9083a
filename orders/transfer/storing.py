"""The part of an import that writes: orders and refunds, a batch in a transaction, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.services import record_sale
from core.ids import new_id
from core.money import LARGEST, minor_digits
from core.postgresql.sessions import own_session
from core.spreadsheets import Refusal
from customers.services import record_paid_orders, record_refunds
from orders.tokens import access_token, token_hash
from orders.transfer import statements
from orders.transfer.rows import OF_A_LINE, OF_AN_ORDER, Line

ACTOR = "import_orders"
BATCH = 5_000
"""Orders, or refunds. What changes their products and customers waits for a batch, which takes about a second."""
ONE_IMPORT_AT_A_TIME = 4_700_153
"""Number of the advisory lock, this module's own."""
COLUMNS = (*OF_A_LINE, *OF_AN_ORDER)


class ImportRunningError(Exception):
    """Somebody else is importing orders at this moment."""


@contextmanager
def alone() -> Iterator[None]:
    """Keeps a second import from running beside this one, and makes the tables of this one.

    Raises:
        ImportRunningError: there is one.
    """
    with own_session(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_IMPORT_AT_A_TIME])
        if cursor.fetchone() != (True,):
            raise ImportRunningError("Another import of orders is running.")
        try:
            cursor.execute(f"SET statement_timeout = 0; {statements.DROP}; {statements.LINES}; {statements.OTHERS}")
            yield
            cursor.execute(statements.DROP)
        finally:
            cursor.execute("RESET statement_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_IMPORT_AT_A_TIME])


def parameters(**others: Any) -> dict[str, Any]:
    """What the statements are given."""
    currency = settings.SHOP_CURRENCY
    shop = {"currency": currency, "digits": minor_digits(currency), "zone": settings.SHOP_TIME_ZONE}
    return {**shop, "largest": LARGEST, "actor": ACTOR, **others}


def load(lines: Iterable[Line], columns: Sequence[str]) -> None:
    """Puts the lines where the statements find them. `columns` are those that the file has, of `COLUMNS`."""
    with connection.cursor() as cursor, cursor.copy(statements.COPY.format(", ".join(columns))) as copy:
        for line in lines:
            if line.number is not None:
                copy.write_row((line.line, line.number, line.is_wrong, *map(line.values.get, columns)))


def put_together() -> None:
    """Makes orders and refunds of the lines. What cannot be one goes to those that are refused."""
    given = parameters()
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(statements.GROUP)
        for rules in (statements.RULES, statements.CLASHES):
            for condition, field, reason in rules:
                cursor.execute(statements.REFUSE.format(condition=condition, field=field, reason=reason), given)
            if rules is statements.RULES:
                cursor.execute(statements.BACK)
        cursor.execute(statements.ANALYZE)


def refusals() -> Iterator[Refusal]:
    """Why lines are not taken that nothing was wrong with by themselves. Told once, with memory for some of them."""
    with transaction.atomic():
        with connection.chunked_cursor() as cursor:
            cursor.execute(statements.REFUSED_LINES)
            for row in cursor:
                yield Refusal(*row)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE import_refused")


def count(statement: str) -> tuple[int, int]:
    """Orders and refunds."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        orders, refunds = cursor.fetchone() or (0, 0)
    return orders, refunds


@dataclass(frozen=True)
class Batch:
    """What was stored together. `matched` are the refunds whose order is known, `lost` those that were refused: how
    many and for how much, by day.
    """

    stored: int
    matched: int = 0
    lost: Mapping[date, tuple[int, Decimal]] = field(default_factory=dict)


def store_all(
    store: Callable[[CursorWrapper, Sequence[int]], Batch], *, notes: bool, touched: Callable[[set[date]], None]
) -> Iterator[Batch]:
    """Stores the orders, or the refunds, batch by batch. `touched` is told the days of each in its transaction."""
    after = 0
    while True:
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute(statements.NEXT, {"notes": notes, "after": after, "most": BATCH})
            places = [place for (place,) in cursor.fetchall()]
            if not places:
                return
            cursor.execute(statements.FORGET)
            days = days_of(cursor, places)
            batch = store(cursor, places)
            touched(days)
            if not notes:
                record_sold(cursor)
        after = places[-1]
        yield batch


def days_of(cursor: CursorWrapper, places: Sequence[int]) -> set[date]:
    """The days, in the shop's time zone, whose numbers change."""
    cursor.execute(statements.DAYS, parameters(places=places))
    return {day for (day,) in cursor.fetchall()}


def give_keys(cursor: CursorWrapper, places: Sequence[int]) -> None:
    """Ids, and the hash of the token that opens an order to guests."""
    with cursor.copy(statements.KEYS) as copy:
        for place in places:
            order_id = new_id()
            copy.write_row((place, order_id, token_hash(access_token(order_id)), new_id()))
    cursor.execute("ANALYZE import_key")


def store_orders(cursor: CursorWrapper, places: Sequence[int]) -> Batch:
    """Customers, orders, lines, history, and what the customers bought. No stock moves: it did long ago."""
    give_keys(cursor, places)
    given = parameters()
    cursor.execute(statements.MAKE_CUSTOMERS)
    cursor.execute(statements.FIND_CUSTOMERS)
    cursor.execute(statements.MAKE_ORDERS, given)
    cursor.execute(statements.MAKE_LINES)
    cursor.execute(statements.NOTE_ORDERS, given)
    record_paid_orders(source=statements.BOUGHT, parameters={})
    return Batch(len(places))


def record_sold(cursor: CursorWrapper) -> None:
    """What the products sold. The last thing: whoever wants one of them waits from here on (docs/decisions/0014)."""
    cursor.execute(statements.SOLD)
    record_sale(lines={product: (pieces, money) for product, pieces, money in cursor.fetchall()})


def know_sizes() -> None:
    """Tells the planner what was stored: it looks for orders next, and would read all of them for each refund."""
    with connection.cursor() as cursor:
        cursor.execute(statements.ANALYZE_STORED)


def refund_storing(now: datetime) -> Callable[[CursorWrapper, Sequence[int]], Batch]:
    """Stores refunds that were imported at a moment."""

    def store(cursor: CursorWrapper, places: Sequence[int]) -> Batch:
        """Refunds, and what they take from their orders and customers. Two of one order take turns, until none finds
        an order any more.
        """
        give_keys(cursor, places)
        cursor.execute(statements.FIND_CUSTOMERS)
        given, matched = parameters(places=places, now=now), 0
        for way in (statements.BY_NUMBER, statements.BY_GOODS):
            while found := match(cursor, way):
                matched += len(found)
                cursor.execute(statements.TAKE_OFF, {**given, "matched": found})
                record_refunds(amounts=dict(cursor.fetchall()))
        cursor.execute(statements.TOTALS_LOST, given)
        lost = {day: (number, total) for day, number, total in cursor.fetchall()}
        cursor.execute(statements.REFUSE_LOST, given)
        cursor.execute(statements.MAKE_REFUNDS)
        return Batch(cursor.rowcount, matched=matched, lost=lost)

    return store


def match(cursor: CursorWrapper, way: str) -> list[int]:
    """The refunds whose order is found now."""
    cursor.execute(way)
    return [place for (place,) in cursor.fetchall()]

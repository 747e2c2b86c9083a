"""A batch of products to PostgreSQL: COPY into a temporary table, then a few statements in one transaction.

Only products that differ are locked, in the order of their ids as everywhere, so shoppers wait for what is changed and
for nothing else. Imports take turns, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.transfer import statements
from catalog.transfer.rows import Row
from core.ids import new_id
from core.postgresql.sessions import own_session
from core.spreadsheets import Refusal

ONE_IMPORT_AT_A_TIME = 4_700_154
"""Number of the advisory lock, this module's own."""
TRIES = 3
"""Somebody else may make a product with the same SKU or slug at the same moment; the next time it is there."""


class Kind(StrEnum):
    """What became of a product."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Stored:
    """A row that was taken. `moved` is in pieces; `product_id` is None when nothing was to be done."""

    row: Row
    kind: Kind
    product_id: UUID | None = None
    moved: int = 0


@dataclass
class Outcome:
    """What became of a batch."""

    stored: list[Stored] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    categories: set[str] = field(default_factory=set)


@contextmanager
def temporary_tables() -> Iterator[None]:
    """The tables of one import, in its session. What an import that failed left is removed by the next."""
    with own_session():
        with connection.cursor() as cursor:
            cursor.execute(statements.DROP)
            cursor.execute(statements.TABLES)
        yield
        with connection.cursor() as cursor:
            cursor.execute(statements.DROP)


def store(rows: Sequence[Row], *, actor: AbstractBaseUser | None, dry_run: bool) -> Outcome:
    """Makes the products what the rows say, in one transaction; a dry run takes it back.

    Raises:
        IntegrityError: others made the same products three times at the same moment.
    """
    for _try in range(TRIES - 1):
        try:
            return store_once(rows, actor=actor, dry_run=dry_run)
        except IntegrityError:
            continue
    return store_once(rows, actor=actor, dry_run=dry_run)


def store_once(rows: Sequence[Row], *, actor: AbstractBaseUser | None, dry_run: bool) -> Outcome:
    """The same without patience."""
    outcome = Outcome()
    done: dict[int, Stored] = {}
    actor_id = actor.pk if actor else None
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute(statements.BY_INDEX)
            outcome.refused += load(cursor, rows)
        by_line = {row.line: row for row in rows}
        for line, product_id in rename(cursor, dry_run=dry_run):
            done[line] = Stored(by_line[line], Kind.CHANGED, product_id)
        with transaction.atomic():
            cursor.execute(statements.BY_INDEX)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_IMPORT_AT_A_TIME])
            outcome.categories |= file_on_shelves(cursor)
            for line, product_id, moved in change(cursor, actor_id):
                done[line] = Stored(by_line[line], Kind.CHANGED, product_id, moved)
            for line, product_id, moved in add(cursor, actor_id):
                done[line] = Stored(by_line[line], Kind.ADDED, product_id, moved)
            transaction.set_rollback(dry_run)
    refused = {refusal.line for refusal in outcome.refused}
    outcome.stored = [done.get(row.line) or Stored(row, Kind.UNCHANGED) for row in rows if row.line not in refused]
    return outcome


def load(cursor: CursorWrapper, rows: Sequence[Row]) -> list[Refusal]:
    """Puts the rows where the statements find them, but those that other lines or products stand against."""
    cursor.execute("TRUNCATE import_asked")
    with cursor.copy(statements.COPY) as copy:
        for row in rows:
            text = (row.slug, row.description, row.category, row.thumbnail)
            copy.write_row(
                (row.line, new_id(), row.sku, row.name, row.price, *text, row.is_active, row.track_stock, row.stock)
            )
    cursor.execute("ANALYZE import_asked")
    cursor.execute(statements.SEE)
    cursor.execute(statements.REFUSE_REPEATED)
    repeated = [Refusal(line, "sku", f"is that of line {first:,} already") for line, first in cursor.fetchall()]
    cursor.execute(statements.REFUSE_TAKEN_SLUGS)
    return repeated + [Refusal(line, "slug", "is that of another product") for (line,) in cursor.fetchall()]


def rename(cursor: CursorWrapper, *, dry_run: bool) -> list[tuple[int, UUID]]:
    """Gives products their new slugs, each in a transaction of its own: a key that others refer to takes a stronger
    lock, and who holds several of those can be waited for in a circle.
    """
    cursor.execute(statements.RENAMED)
    renamed = cursor.fetchall()
    if not dry_run:
        for _line, product_id, slug in renamed:
            with transaction.atomic():
                cursor.execute(statements.RENAME, [slug, product_id])
    return [(line, product_id) for line, product_id, _slug in renamed]


def file_on_shelves(cursor: CursorWrapper) -> set[str]:
    """Finds or makes the categories, and the slugs of new products; returns the slugs of new categories."""
    cursor.execute(statements.MAKE_CATEGORIES)
    made = {slug for (slug,) in cursor.fetchall()}
    cursor.execute(statements.SET_CATEGORIES)
    cursor.execute(statements.TELL_NEW)
    cursor.execute(statements.MAKE_SLUGS)
    return made


def change(cursor: CursorWrapper, actor_id: int | None) -> list[tuple[int, UUID, int]]:
    """Changes the products that differ; line, product and pieces moved of each. Locked first and then read again:
    what was sold meanwhile counts.
    """
    cursor.execute(statements.HOLD)
    held = [product_id for (product_id,) in cursor.fetchall()]
    cursor.execute(statements.CHANGE, {"held": held, "actor": actor_id})
    changed: list[tuple[int, UUID, int]] = cursor.fetchall()
    return changed


def add(cursor: CursorWrapper, actor_id: int | None) -> list[tuple[int, UUID, int]]:
    """Adds the products that are not there; line, product and pieces of each."""
    cursor.execute(statements.ADD, {"actor": actor_id})
    added: list[tuple[int, UUID, int]] = cursor.fetchall()
    return added

"""Rows read and written without what querysets and `save` go through, where orders are made: statements are put
together once.

Signals of saving, defaults of the database and ids that it counts are not for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, Field, Model

Row = TypeVar("Row", bound=Model)
MANY = 50
"""Rows; more than that are copied rather than inserted."""
AS_IT_IS = (models.CharField, models.TextField, models.UUIDField, models.BooleanField)
"""Columns of these types, and keys of them, are written as the row has them: Django's ways there change nothing."""


@lru_cache
def columns(model: type[Model], table: str) -> str:
    """What a `SELECT` names of a table for `row_of`: all columns but those that PostgreSQL makes of the others."""
    quoted = connection.ops.quote_name
    return ", ".join(f"{table}.{quoted(str(field.column))}" for field in read(model))


def row_of(model: type[Row], values: Sequence[Any]) -> Row:
    """The row whose `columns` were found to be these. Others may stand behind them."""
    names, converted = names_of(model)
    found, here = list(values[: len(names)]), this_connection()
    for index, convert in converted:
        found[index] = convert(found[index], None, here)
    return model.from_db(here.alias, names, found)


def this_connection() -> BaseDatabaseWrapper:
    """The connection that Django's `connection` stands for, and looks for again whenever something is asked of it."""
    return connections[DEFAULT_DB_ALIAS]


@lru_cache
def names_of(model: type[Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    """The attributes of the columns read, and what makes Python's values of those that need it, by their place."""
    converters = [(index, field.get_db_converters(connection)) for index, field in enumerate(read(model))]
    return [str(field.attname) for field in read(model)], [
        (index, convert) for index, each in converters for convert in each
    ]


@lru_cache
def read(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns of a table itself."""
    return [field for field in model._meta.local_concrete_fields if not field.generated]


def insert_together(rows: Sequence[Model]) -> None:
    """Inserts new rows, if any, those of one table beside each other; what depends on a row may come in the same call.

    Ids that PostgreSQL counts itself are not read back: such rows know no `pk` afterwards.

    Raises:
        IntegrityError, DataError: nothing is inserted.
    """
    if not rows:
        return
    groups = [(model, list(found)) for model, found in groupby(rows, key=type)]
    if len(rows) > MANY:
        for model, found in groups:
            copy_all(model, found)
    else:
        insert_all(groups)
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def insert_all(groups: Sequence[tuple[type[Model], Sequence[Model]]]) -> None:
    """Rows of some tables by one statement."""
    statement = insert_statement(tuple((model, len(found)) for model, found in groups))
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for _model, found in groups for row in found for value in values_of(row)])


def copy_all(model: type[Model], rows: Sequence[Model]) -> None:
    """Rows of a table by COPY: a statement of thousands of values takes longer to be read than to be done."""
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({names_written(model)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(values_of(row))


def values_of(row: Model) -> list[Any]:
    """What is written of a row, in the order of `names_written`."""
    here, has = this_connection(), vars(row)
    return [
        has[name] if field is None else field.get_db_prep_save(field.pre_save(row, add=True), here)
        for name, field in prepared(type(row))
    ]


@lru_cache
def prepared(model: type[Model]) -> list[tuple[str, Field[Any, Any] | None]]:
    """The attributes that `written` names, each with its field unless it is written as it is."""
    return [(str(field.attname), None if is_plain(field) else field) for field in written(model)]


def is_plain(field: Field[Any, Any]) -> bool:
    """Whether a field is one of those that are written as they are, and no class of somebody's own."""
    return type(field.target_field if isinstance(field, models.ForeignKey) else field) in AS_IT_IS


def update_row(row: Model, *names: str) -> None:
    """Writes these fields of a row that is there.

    Raises:
        DatabaseError: it is not there any more.
        IntegrityError, DataError: nothing is written.
    """
    fields = fields_named(type(row), names)
    values = [field.get_db_prep_save(getattr(row, str(field.attname)), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(update_statement(type(row), names), [*values, row.pk])
        if not cursor.rowcount:
            raise DatabaseError(f"there is no {row._meta.verbose_name} {row.pk} to update")


@lru_cache
def update_statement(model: type[Model], names: tuple[str, ...]) -> str:
    """The `UPDATE` of these fields by primary key."""
    quoted = connection.ops.quote_name
    changes = ", ".join(f"{quoted(str(field.column))} = %s" for field in fields_named(model, names))
    key = quoted(str(model._meta.pk.column))
    return f"UPDATE {quoted(model._meta.db_table)} SET {changes} WHERE {key} = %s"  # noqa: S608 - names of our models


@lru_cache
def fields_named(model: type[Model], names: tuple[str, ...]) -> list[Field[Any, Any]]:
    """The fields of these names.

    Raises:
        FieldDoesNotExist
    """
    return [cast("Field[Any, Any]", model._meta.get_field(name)) for name in names]


@lru_cache
def insert_statement(groups: tuple[tuple[type[Model], int], ...]) -> str:
    """One `INSERT` a table, all but the last as parts of the last."""
    inserts = [insert(model, count) for model, count in groups]
    parts = [f"rows_{number} AS ({text})" for number, text in enumerate(inserts[:-1])]
    return (f"WITH {', '.join(parts)} " if parts else "") + inserts[-1]


def insert(model: type[Model], count: int) -> str:
    """The insert of so many rows of a table."""
    marks = f"({', '.join(['%s'] * len(written(model)))})"
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({names_written(model)}) VALUES {', '.join([marks] * count)}"  # noqa: S608 - names of our models


def names_written(model: type[Model]) -> str:
    """The columns that an insert writes, quoted."""
    return ", ".join(connection.ops.quote_name(str(field.column)) for field in written(model))


@lru_cache
def written(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns that an insert writes: all but those that PostgreSQL fills in."""
    return [field for field in read(model) if not isinstance(field, AutoField)]

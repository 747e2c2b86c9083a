"""Errors of the database as they may be logged: what went wrong, not with whose data."""

from __future__ import annotations

from types import TracebackType

import psycopg
from django.db.utils import DatabaseErrorWrapper

from core.postgresql.plans import forget_stale_plans


class DiscreetErrors(DatabaseErrorWrapper):
    """Django's, for errors without the row. PostgreSQL says it in full: `Key (email)=(ada@example.com) already exists`.

    Whoever needs more finds it in the error's `diag`, of the psycopg error that is its cause.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        forget_stale_plans(error, self.wrapper.connection)  # type: ignore[attr-defined] # Django has it
        if isinstance(error, psycopg.Error) and error.diag.sqlstate is not None:
            error.args = (discreet(error.diag.message_primary or ""),)
        super().__exit__(kind, error, traceback)


def discreet(message: str) -> str:
    """The first sentence without the value that it may end with: `invalid input syntax for type uuid: "..."`."""
    return message.partition(': "')[0]

"""The SQL of the metrics: one file a statement in `analytics/sql/`, so that each can be explained and timed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections

from core.clock import day_bounds, hours_of_day
from core.postgresql.replica import place
from sessions_app.dimensions import REACHED, Filters, conditions

FOLDER = Path(__file__).resolve().parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `analytics/sql/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()


def day_parameters(day: date) -> dict[str, Any]:
    """What the statements ask for: the day, its first instant, the next day's, those of its hours, whom to count."""
    start, end = day_bounds(day)
    return {"day": day, **span_parameters(start, end, hours_of_day(day))}


def span_parameters(start: datetime, end: datetime, hours: list[datetime]) -> dict[str, Any]:
    """What they ask for of a part of a day: its first instant, the first one after it, those at which hours begin."""
    return {"start": start, "end": end, "hours": hours, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}


def rows(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer as dictionaries, from the replica where figures are read there."""
    with connections[place.alias].cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one_row(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The columns of a statement that has one row."""
    return rows(statement(name), parameters)[0]


def looked_at(*, since: datetime, limit: int) -> list[dict[str, Any]]:
    """The pages that most visits have looked at since: `page`, `sessions`."""
    parameters = {"since": since, "limit": limit, "count_unconfirmed": settings.COUNT_UNCONFIRMED_SESSIONS}
    return rows(statement("pages_now"), parameters)


OF_REFUND = """EXISTS (SELECT FROM ordered WHERE ordered.id = coalesce(orders_refund.order_id, (
    SELECT order_id FROM orders_ordersession JOIN orders_paymentattempt ON order_session_id = orders_ordersession.id
     WHERE orders_paymentattempt.id = attempt_id)))"""


@dataclass(frozen=True)
class Among:
    """Whose visits, orders, refunds and customers are meant, as SQL conditions: all, or those of filtered visits."""

    among: str = "true"
    of_order: str = "true"
    of_refund: str = "true"
    of_customer: str = "true"

    @classmethod
    def visits(cls, condition: str) -> Among:
        """Those of the visits for which the condition holds. Customers are of no visit."""
        visit = "SELECT FROM sessions_app_visitorsession WHERE session_id = visitor_session_id"
        return cls(condition, f"EXISTS ({visit} AND ({condition}))", OF_REFUND, "false")


EVERYBODY = Among()


def among(filters: Filters, *, start: datetime, end: datetime) -> tuple[Among, dict[str, Any]]:
    """Whom the filters leave, and the parameters of that."""
    if not filters:
        return EVERYBODY, {}
    condition, parameters = conditions(filters, start=start, end=end)
    return Among.visits(condition), parameters


def by_hour(
    *names: str, parameters: dict[str, Any], given: Sequence[str], whose: Among = EVERYBODY
) -> list[dict[str, Any]]:
    """A row for each of the parameters' `hours`, with `begins` and the columns of statements that have a row an hour,
    asked for as one; None where they have none. `given` names what stands before them.
    """
    words: dict[str, str] = {**{str(step): sql for step, sql in REACHED.items()}, **vars(whose)}
    before = "".join(statement(name).format(**words) for name in given)
    parts = "\n".join(f"LEFT JOIN (\n{statement(name).format(**words)}) AS of_{name} USING (hour)" for name in names)
    hours = "unnest(%(hours)s::timestamptz[]) WITH ORDINALITY AS begun (begins, hour)"
    return rows(f"{before}SELECT * FROM {hours}\n{parts}\nORDER BY hour", parameters)  # noqa: S608 - our own files


def execute(sql: str, parameters: dict[str, Any] | None = None) -> int:
    """Runs a statement that answers nothing; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)

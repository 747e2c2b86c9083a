"""Visits and what they brought, by dimension: `daily_breakdown`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from analytics.statements import day_parameters, execute, rows, statement
from sessions_app.dimensions import COLUMNS, EVENTS

KEPT_VALUES = 1000
"""Values of a dimension a day that have a row of their own; the rest is `(other)`. Fewer than 1,024: counted_again.sql
makes one number of a visitor and a row.
"""
ONE_WORKER_A_DIMENSION = {
    "enable_hashagg": "off",
    "min_parallel_table_scan_size": "'5TB'",
    "parallel_tuple_cost": "10",
}
"""Who was counted again is found by sorting, each dimension by one worker from the first row to the sums: shared among
workers, all that was sorted would have to pass through the one process that merges it."""
TABLES = ("odd", "visit_value", "value", "bucket", "visitor", "again", "visit_again", "too_many")
DROP_TABLES = f"DROP TABLE {', '.join(f'analytics_day_{name}' for name in TABLES)}"


def compute_breakdown(*, day: date) -> bool:
    """Puts the day's rows into the temporary table `fresh_breakdown`, and leaves tables that `DROP_TABLES` takes away.

    Returns whether all visits of the day's events are counted (`all_counted`).
    """
    parameters = day_parameters(day) | {"kept": KEPT_VALUES}
    execute("DROP TABLE IF EXISTS pg_temp.fresh_breakdown")
    execute(statement("odd_visits"), parameters)
    parameters["all_counted"] = all_counted()
    for name in ("values", "event_values", "buckets", "day_visitors", "comes_again", "visits_again"):
        execute(statement(name), parameters)
    execute("ANALYZE analytics_day_odd, analytics_day_value, analytics_day_bucket, analytics_day_visit_again")
    execute("ANALYZE analytics_day_visitor (came_again)")
    find_counted_again(parameters)
    execute(statement("breakdown"))
    return bool(parameters["all_counted"])


def all_counted() -> bool:
    """Whether there are no visits of whose events none is counted: most days there are none, and need not be sought."""
    found = rows("SELECT NOT EXISTS (SELECT FROM analytics_day_odd WHERE is_uncounted) AS all_counted", {})
    return bool(found[0]["all_counted"])


def find_counted_again(parameters: Mapping[str, Any]) -> None:
    """Writes `analytics_day_too_many`: by how much visits are more than visitors, by dimension and bucket."""
    parts = [statement("counted_again").format(dimension=name, column=column) for name, column in COLUMNS.items()]
    parts += [
        statement("seen_again").format(dimension=name, event=event, column=column)
        for name, (event, column) in EVENTS.items()
    ]
    execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in ONE_WORKER_A_DIMENSION.items()))
    execute("CREATE UNLOGGED TABLE analytics_day_too_many AS\n" + "\nUNION ALL\n".join(parts), dict(parameters))
    execute("; ".join(f"SET LOCAL {name} = DEFAULT" for name in ONE_WORKER_A_DIMENSION))


def replace_breakdown(*, day: date) -> None:
    """Makes the stored rows of the day those of `fresh_breakdown`. Rows that did not change are not written."""
    execute(statement("breakdown_sweep"), {"day": day})
    execute(statement("breakdown_write"), {"day": day})

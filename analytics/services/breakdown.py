"""Visits and what they brought, by dimension: `daily_breakdown`."""

from datetime import date

from analytics.statements import day_parameters, execute, statement

KEPT_VALUES = 1000
"""Values of a dimension a day that have a row of their own; the rest is `(other)`."""
PLANNING = """
SET LOCAL min_parallel_table_scan_size = '1TB';
SET LOCAL min_parallel_index_scan_size = '1TB';
SET LOCAL enable_sort = off"""
"""Parallel workers take a dimension each, rather than share the scan of one and leave the grouping to one process. And
the few values that come out are hashed, not sorted: of a table just made the planner knows no better."""
TEMPORARY = "DROP TABLE IF EXISTS pg_temp.day_value, pg_temp.fresh_breakdown"


def compute_breakdown(*, day: date) -> None:
    """Puts the day's rows into the temporary table `fresh_breakdown`.

    Needs `analytics_day_visit` and `analytics_day_view`, of statements `visits` and `views`.
    """
    parameters = day_parameters(day) | {"kept": KEPT_VALUES}
    execute(TEMPORARY)
    execute(PLANNING)
    execute(statement("values"), parameters)
    execute(statement("breakdown"), parameters)


def replace_breakdown(*, day: date) -> None:
    """Makes the stored rows of the day those of `fresh_breakdown`. Rows that did not change are not written."""
    execute(statement("breakdown_sweep"), {"day": day})
    execute(statement("breakdown_write"), {"day": day})

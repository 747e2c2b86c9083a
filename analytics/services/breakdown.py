"""Visits and what they brought, by dimension: `daily_breakdown`."""

from datetime import date

from analytics.statements import day_parameters, execute, statement

KEPT_VALUES = 1000
"""Values of a dimension a day that have a row of their own; the rest is `(other)`."""
SORTING = "SET LOCAL enable_hashagg = {0}; SET LOCAL enable_memoize = {0}"
"""Visitors are found by sorting: workers share that, but each would keep all of a hash."""
DROP_TABLES = "DROP TABLE analytics_day_odd, analytics_day_again, analytics_day_value, analytics_day_bucket"


def compute_breakdown(*, day: date) -> None:
    """Puts the day's rows into the temporary table `fresh_breakdown`.

    Leaves tables that `DROP_TABLES` takes away.
    """
    parameters = day_parameters(day) | {"kept": KEPT_VALUES}
    execute("DROP TABLE IF EXISTS pg_temp.fresh_breakdown")
    execute(statement("odd_visits"), parameters)
    execute(statement("values"), parameters)
    execute(statement("buckets"), parameters)
    execute(SORTING.format("off"))
    execute(statement("comes_again"), parameters)
    execute("ANALYZE analytics_day_odd, analytics_day_again, analytics_day_bucket")
    execute(statement("breakdown"), parameters)
    execute(SORTING.format("DEFAULT"))


def replace_breakdown(*, day: date) -> None:
    """Makes the stored rows of the day those of `fresh_breakdown`. Rows that did not change are not written."""
    execute(statement("breakdown_sweep"), {"day": day})
    execute(statement("breakdown_write"), {"day": day})

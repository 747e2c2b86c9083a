"""What happened, counted from raw rows by hour: what days, hours and parts of a day are made of."""

from dataclasses import dataclass
from datetime import date, datetime

from analytics.metrics import HOURLY, Number, Totals, from_hour
from analytics.statements import by_hour, day_parameters, span_parameters
from core.clock import day_bounds, shop_day

PARTS = ("sessions", "visitors", "orders", "events")


@dataclass(frozen=True)
class Hour:
    """What an hour brought. `visitors` are those whose first visit of the day it had: over the day they add up."""

    begins: datetime
    totals: Totals
    visitors: int


def hours_of(day: date, *, all_counted: bool) -> list[Hour]:
    """Every hour of a day whose breakdown was computed before: counted from raw rows, and from the visitors that were
    found there. Where none of its events is of a visit that is not counted (`all_counted`), none is sought.
    """
    parameters = day_parameters(day) | {"all_counted": all_counted}
    found = by_hour(*PARTS, parameters=parameters, given=("window", "earlier", "visitors_found", "ordered"))
    return [Hour(row["begins"], from_hour(row), row["visitors"] or 0) for row in found]


def orders_of(day: date) -> dict[datetime, dict[str, Number]]:
    """What orders, refunds and customers say of every hour of a day, by when it begins."""
    found = by_hour("orders", parameters=day_parameters(day), given=("window", "ordered"))
    return {row["begins"]: {name: row[name] or 0 for name in HOURLY if name in row} for row in found}


def counted(start: datetime, end: datetime) -> Totals:
    """What happened between two instants of one day. Who came before on that day is not new."""
    day_start, _ = day_bounds(shop_day(start))
    parameters = span_parameters(start, end, [start]) | {"day_start": day_start, "all_counted": False}
    given = ("window", "earlier" if start == day_start else "earlier_that_day", "window_visitors", "ordered")
    (found,) = by_hour(*PARTS, parameters=parameters, given=given)
    return from_hour(found)

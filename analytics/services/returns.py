"""Who came again, by the day on which they last had: what visitors over a range are counted from."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists

from analytics.models import DailyMetrics, DailyReturn, ReturnsOfDay
from analytics.returns import MOST_DAYS, returns_of_row
from analytics.services.turns import take_turn
from analytics.statements import day_parameters, execute, rows, statement
from core.clock import day_bounds, shop_day
from sessions_app.dimensions import COLUMNS

MOST_A_RUN = 20
"""Days whose returns one run counts, the earliest first."""


def count_missing_returns(*, now: datetime) -> list[date]:
    """Counts the returns of days that were computed since; returns which, the earliest first, so many at most."""
    today = shop_day(now)
    recent = DailyMetrics.objects.filter(date__range=(today - timedelta(days=MOST_DAYS), today))
    done: list[date] = []
    while len(done) < MOST_A_RUN and (row := recent.exclude(Exists(returns_of_row())).order_by("date").first()):
        count_returns(row=row)
        done.append(row.date)
    return done


@transaction.atomic
def count_returns(*, row: DailyMetrics) -> None:
    """Counts the returns of a day anew, in one transaction. Those of later days wait to be counted again if what they
    were counted from has changed: history that was imported, events that came late.

    A day whose visits are gone keeps what was counted of it.
    """
    take_turn()
    parameters = day_parameters(row.date) | {
        "since": day_bounds(row.date - timedelta(days=MOST_DAYS))[0],
        "zone": settings.SHOP_TIME_ZONE,
    }
    known = ReturnsOfDay.objects.filter(date=row.date).first()
    found = rows(statement("day_digest"), parameters)[0]
    digest = known.digest if known else None
    if found["visitors"] >= row.unique_visits:
        digest = found["digest"]
        write_returns(row.date, parameters)
    if known is None or known.digest != digest:
        ReturnsOfDay.objects.filter(date__gt=row.date).delete()
    ReturnsOfDay.objects.update_or_create(date=row.date, defaults={"computed_at": row.computed_at, "digest": digest})


def write_returns(day: date, parameters: dict[str, object]) -> None:
    """Replaces the rows of the day."""
    DailyReturn.objects.filter(date=day).delete()
    values = ", ".join(f"('{dimension}', {column})" for dimension, column in COLUMNS.items())
    execute(statement("visitor_returns"), parameters)
    execute(statement("returns").format(values=values), parameters)
    execute(statement("event_returns"), parameters)

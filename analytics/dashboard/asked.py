"""What an address of the dashboard asks for: all that is shown follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dateparse import parse_date

from analytics.attribution import Model
from analytics.cards import PLOTTED
from analytics.cards import USUAL as USUAL_PLOT
from analytics.periods import EARLIEST, Compare, Window, compared, last_instant, window
from analytics.returns import MOST_DAYS
from core.clock import shop_day
from sessions_app.dimensions import TOUCHED, Dimension, filters_in

PERIODS = {"today": 1, "7": 7, "28": 28, "90": 90, "364": 364}
"""Their lengths in days, until now."""
USUAL = "28"
YESTERDAY, MONTH, LAST_MONTH, YEAR, CUSTOM = "yesterday", "month", "last_month", "year", "custom"
"""Others: the month and the year are those that are not over."""
DAY = timedelta(days=1)
CAME = (*TOUCHED,)
SAW = (Dimension.PRODUCT, Dimension.PAGE)
WHO = (Dimension.COUNTRY, Dimension.CITY, Dimension.DEVICE, Dimension.BROWSER, Dimension.OS)
TABLES = {"came": CAME, "saw": SAW, "who": WHO}
"""The dimensions among which each table of values has a choice; the first one unless asked otherwise."""
MOST_FILTERS = 6
ROWS = ("9", "100")
"""How many a table of values can have; the first ones unless asked otherwise."""


@dataclass(frozen=True)
class Asked:
    """`first` and `last` are of a custom period alone. `tables` says which dimension each table shows."""

    period: str = USUAL
    first: date | None = None
    last: date | None = None
    compare: Compare = Compare.WEEKDAYS
    plot: str = USUAL_PLOT
    credit: Model = Model.SESSION
    rows: str = ROWS[0]
    tables: Mapping[str, Dimension] = field(default_factory=lambda: {name: found[0] for name, found in TABLES.items()})
    filters: Mapping[Dimension, str] = field(default_factory=dict)

    def query(self) -> dict[str, str]:
        """What must stand in the address; what is usual need not, but the period."""
        days = {"from": str(self.first), "to": str(self.last)} if self.period == CUSTOM else {}
        tables = {name: str(shown) for name, shown in self.tables.items() if shown != TABLES[name][0]}
        chosen = {name: str(getattr(self, name)) for name in ("compare", "plot", "credit", "rows")}
        others = {name: value for name, value in chosen.items() if value != str(getattr(USUAL_ASKED, name))}
        return {"period": self.period, **days, **others, **tables, **{str(k): v for k, v in self.filters.items()}}

    @property
    def address(self) -> str:
        """The same as it stands in the address."""
        return urlencode(self.query())

    def link(self, **other: Any) -> str:
        """The dashboard with something else asked for."""
        return f"{reverse('admin:index')}?{replace(self, **other).address}"

    def of(self, dimension: Dimension, value: str) -> str:
        """The dashboard of those with this value too."""
        return self.link(filters={**self.filters, dimension: value})

    def without(self, dimension: Dimension) -> str:
        """The dashboard without that filter."""
        return self.link(filters={name: value for name, value in self.filters.items() if name != dimension})

    def of_days(self, first: date, last: date) -> str:
        """The dashboard of these days."""
        return self.link(period=CUSTOM, first=first, last=last)

    def window(self, *, now: datetime) -> Window:
        """The days that are shown; the last one as far as it has come."""
        if self.period in PERIODS:
            return window(PERIODS[self.period], now)
        today = shop_day(now)
        first, last = self._days(today)
        return Window(first, last, now if last == today else last_instant(last))

    def _days(self, today: date) -> tuple[date, date]:
        month = today.replace(day=1)
        named = {
            YESTERDAY: (today - DAY, today - DAY),
            MONTH: (month, today),
            LAST_MONTH: ((month - DAY).replace(day=1), month - DAY),
            YEAR: (today.replace(month=1, day=1), today),
        }
        return named.get(self.period) or (self.first or today, self.last or today)

    def before(self, *, now: datetime) -> Window | None:
        """The days that they are compared with; None without."""
        return compared(self.window(now=now), self.compare)


USUAL_ASKED = Asked()


def asked(query: Mapping[str, str], *, now: datetime) -> tuple[Asked, list[str]]:
    """What is asked for, and a sentence about each thing that was not understood: the usual one is shown for it."""
    notes: list[str] = []
    first, last = days_in(query, notes, today=shop_day(now))
    period = word(query, "period", [*PERIODS, YESTERDAY, MONTH, LAST_MONTH, YEAR, CUSTOM], USUAL, notes)
    if period == CUSTOM and first is None:
        period = USUAL
    filters = filters_in(query)
    if len(filters) > MOST_FILTERS:
        notes.append(f"{MOST_FILTERS} filters at most; the first ones are taken.")
    return Asked(
        period=period,
        first=first if period == CUSTOM else None,
        last=last if period == CUSTOM else None,
        compare=Compare(word(query, "compare", list(Compare), Compare.WEEKDAYS, notes)),
        plot=word(query, "plot", list(PLOTTED), USUAL_PLOT, notes),
        rows=word(query, "rows", list(ROWS), ROWS[0], notes),
        credit=Model(word(query, "credit", list(Model), Model.SESSION, notes)),
        tables={name: Dimension(word(query, name, list(ours), ours[0], notes)) for name, ours in TABLES.items()},
        filters=dict(list(filters.items())[:MOST_FILTERS]),
    ), notes


def word(query: Mapping[str, str], name: str, ours: list[str], usual: str, notes: list[str]) -> str:
    """One of our words for something, or the usual one."""
    given = query.get(name, usual)
    if given in ours:
        return given
    notes.append(f"“{given[:40]}” is no {name} of ours ({', '.join(ours)}).")
    return usual


def days_in(query: Mapping[str, str], notes: list[str], *, today: date) -> tuple[date, date] | tuple[None, None]:
    """The days of a custom period; nothing where there are none, or none that can be shown."""
    if query.get("period") != CUSTOM:
        return None, None
    first, last = (day_in(query.get(name, "")) for name in ("from", "to"))
    if first is None or last is None:
        problem = "A custom period needs two days, as in from=2026-03-01&to=2026-03-31."
    elif last < first:
        problem = "The period ends before it begins."
    elif last > today:
        problem = "The period ends after today."
    elif first < EARLIEST or last - first >= timedelta(days=MOST_DAYS):
        problem = f"A period has {MOST_DAYS} days at most, and begins in {EARLIEST.year} or later."
    else:
        return first, last
    notes.append(f"{problem} The last {USUAL} days are shown.")
    return None, None


def day_in(text: str) -> date | None:
    """A day, `2026-03-31`."""
    try:
        return parse_date(text)
    except ValueError:
        return None

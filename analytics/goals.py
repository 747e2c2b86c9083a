"""What staff want to sell, by day and by month, and how far it is reached."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from analytics.metrics import percent
from analytics.models import DailyMetrics, SalesGoal
from core.money import ZERO

Period = SalesGoal.Period
Amounts = dict[tuple[str, date], Decimal]
"""Goals by period and first day."""


@dataclass(frozen=True)
class Goal:
    """What is to be sold in a day or month, 0 where nobody said, and what was sold so far; `towards` it: on those of
    its days that have a goal.
    """

    period: Period
    starts_on: date
    goal: Decimal
    sales: Decimal
    towards: Decimal

    @property
    def progress(self) -> Decimal:
        """What was sold towards the goal, in percent of it; 0 without one."""
        return percent(self.towards, self.goal)


def goals(days: list[date]) -> tuple[list[Goal], list[Goal]]:
    """Each of these days, and each whole month that they touch, with the sales of the stored rows."""
    months = [days_of_month(first) for first in sorted({day.replace(day=1) for day in days})]
    amounts = amounts_between(months[0][0], months[-1][-1])
    stored = DailyMetrics.objects.filter(date__range=(months[0][0], months[-1][-1]))
    sales = dict(stored.values_list("date", "total_sales"))

    def goal(period: Period, stretch: list[date]) -> Goal:
        wanted = wanted_of(stretch, amounts)
        sold, towards = (sum((sales.get(day, ZERO) for day in those), ZERO) for those in (stretch, wanted))
        return Goal(period, stretch[0], sum(wanted.values(), ZERO), sold, towards)

    return [goal(Period.DAY, [day]) for day in days], [goal(Period.MONTH, month) for month in months]


def goals_by_day(days: list[date]) -> dict[date, Decimal]:
    """The goals of those of these days, which follow one another, that have one."""
    return wanted_of(days, amounts_between(days[0].replace(day=1), days[-1]))


def wanted_of(days: list[date], amounts: Amounts) -> dict[date, Decimal]:
    """The same of goals that were read before."""
    return {day: wanted for day in days if (wanted := goal_of_day(day, amounts))}


def goal_of_day(day: date, amounts: Amounts) -> Decimal:
    """One day's goal: its own, else its equal share of the month's."""
    own = amounts.get((Period.DAY, day))
    month = amounts.get((Period.MONTH, day.replace(day=1)), ZERO)
    return own if own is not None else month / monthrange(day.year, day.month)[1]


def amounts_between(first: date, last: date) -> Amounts:
    """The goals that begin on these days."""
    return {
        (goal.period, goal.starts_on): goal.amount for goal in SalesGoal.objects.filter(starts_on__range=(first, last))
    }


def days_of_month(first: date) -> list[date]:
    """The days of a month, by its first."""
    return [first + timedelta(days=n) for n in range(monthrange(first.year, first.month)[1])]

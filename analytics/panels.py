"""The lower half of the dashboard: funnel, order outcomes, tables and the goal."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.figures import share, written
from analytics.goals import goals_by_day
from analytics.metrics import Kind, Totals, steps
from analytics.selectors import Outcome, Rows
from core.money import ZERO
from orders.models import Order

OUTCOMES = {
    Order.Status.SUCCESS: "Paid",
    Order.Status.PENDING: "Waiting for payment",
    Order.Status.FAILED: "Failed",
    Order.Status.EXPIRED: "Expired",
    Order.Status.CANCELLED: "Cancelled",
}


@dataclass(frozen=True)
class Step:
    """One step of the funnel. `of_previous` and `of_all` are percent, written."""

    title: str
    sessions: int
    of_previous: str
    of_all: str
    lost: int

    @property
    def sessions_text(self) -> str:
        """`9,504`."""
        return written(self.sessions, Kind.COUNT)

    @property
    def lost_text(self) -> str:
        """Those who left before this step, `3,294`."""
        return written(self.lost, Kind.COUNT)


def funnel(totals: Totals) -> list[Step]:
    """Sessions that came this far, from visit to paid."""
    return [
        Step(step.capitalize(), sessions, share(sessions, last), share(sessions, totals.total_visits), last - sessions)
        for step, sessions, last in steps(totals)
    ]


def outcomes(found: list[Outcome], links: dict[str, str]) -> dict[str, Any]:
    """Orders placed, by what became of them, each with the link to them."""
    placed = sum(outcome.orders for outcome in found)
    by_status = {outcome.status: outcome for outcome in found}
    rows = [outcome_row(by_status[status], title, placed, links[status]) for status, title in OUTCOMES.items()]
    return {"placed": placed, "rows": rows}


def outcome_row(outcome: Outcome, title: str, placed: int, link: str) -> dict[str, Any]:
    """One state of orders."""
    return {
        "title": title,
        "link": link,
        "orders": written(outcome.orders, Kind.COUNT),
        "share": share(outcome.orders, placed),
        "total": written(outcome.total, Kind.MONEY),
    }


def goal(days: list[date], stored: Rows) -> dict[str, Any] | None:
    """The sales goals of these days and how far they are reached, by what was sold on the days that have one; None
    without any.
    """
    wanted = goals_by_day(days)
    if not wanted:
        return None
    amount = sum(wanted.values(), ZERO)
    sold = sum((stored[day].total_sales for day in wanted if day in stored), ZERO)
    reached = int(100 * sold / amount)
    said = {"amount": written(amount, Kind.MONEY), "percent": reached, "bar": min(reached, 100)}
    return said | {"days": len(wanted), "is_whole": len(wanted) == len(days)}

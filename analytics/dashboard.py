"""The admin's index: what staff see first. `settings.UNFOLD["DASHBOARD_CALLBACK"]` points here."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_date

from analytics import selectors
from analytics.attention import attention_items
from analytics.cards import SHOWN, USUAL, Card, card
from analytics.chart import chart
from analytics.figures import written
from analytics.goals import goal_of_days
from analytics.metrics import Kind, Totals, derived
from analytics.models import DailyMetrics
from analytics.panels import breakdown_panels, funnel, goal, outcomes
from analytics.periods import PERIODS, Window, day_text, last_instant, previous, window
from analytics.periods import USUAL as USUAL_DAYS
from core.clock import now, shop_day, shop_zone

NAMES = {1: "Today", 7: "7 days", 28: "28 days", 90: "90 days"}
EARLIEST = date(1990, 1, 1)
CHARTED_AT_LEAST = 28
"""Days. A shorter period is charted in its surroundings."""


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `dashboard`, or `may_see_figures: False` for staff without `analytics.view_dailymetrics`."""
    allowed = request.user.has_perm("analytics.view_dailymetrics")
    figures = dashboard(asked(request), request) if allowed else None
    return {**context, "title": "Dashboard", "may_see_figures": allowed, "dashboard": figures}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: how many days, until when, which metric in the chart. `to` is None for today."""

    days: int
    plot: str
    to: date | None

    def link(self, **other: Any) -> str:
        """This page with something else asked for."""
        wanted = {"days": self.days, "plot": self.plot, "to": self.to} | other
        return f"{reverse('admin:index')}?{urlencode({name: value for name, value in wanted.items() if value})}"


def asked(request: HttpRequest) -> Asked:
    """What was asked for, as far as it makes sense: `?days=` and `?plot=` of ours, `?to=` a day that is over."""
    days, plot = request.GET.get("days", ""), request.GET.get("plot", USUAL)
    try:
        to = parse_date(request.GET.get("to", ""))
    except ValueError:
        to = None
    return Asked(
        days=int(days) if days in map(str, PERIODS) else USUAL_DAYS,
        plot=plot if plot in SHOWN else USUAL,
        to=to if to and EARLIEST <= to < shop_day(now()) else None,
    )


def dashboard(asked: Asked, request: HttpRequest) -> dict[str, Any]:
    """Everything on the page."""
    current = window(asked.days, last_instant(asked.to) if asked.to else now())
    before, charted = previous(current), window(max(asked.days, CHARTED_AT_LEAST), current.until)
    stored = selectors.daily_rows(min(before.first, previous(charted).first), current.last)
    today = selectors.slice_totals(current, stored.get(current.last))
    earlier = selectors.slice_totals(before, stored.get(before.last))
    totals = selectors.window_totals(current, stored, today), selectors.window_totals(before, stored, earlier)
    return {
        "periods": period_links(asked),
        "days": asked.days,
        "to": current.last.isoformat(),
        "steps": step_links(asked, current),
        "last_day": day_text(current.last) if asked.to else "",
        "current": current,
        "before": before,
        "until": f"{current.until.astimezone(shop_zone()):%H:%M}",
        "zone": str(shop_zone()),
        "today": today_figures(today, current),
        "cards": cards(totals, selectors.unique_visitors(current, before), asked),
        "goal": goal(goal_of_days(current.days), totals[0].total_sales),
        "chart": chart(SHOWN[asked.plot], charted, previous(charted), stored, today),
        "funnel": funnel(totals[0]),
        "sessionless_orders": totals[0].sessionless_orders,
        "outcomes": outcomes(selectors.order_outcomes(current)),
        "panels": breakdown_panels(current),
        "attention": attention_items(request),
        "state": state(totals[0], stored),
    }


def period_links(asked: Asked) -> list[dict[str, Any]]:
    """The periods that can be chosen."""
    names = NAMES if asked.to is None else NAMES | {1: "One day"}
    return [{"title": names[each], "link": asked.link(days=each), "active": each == asked.days} for each in PERIODS]


def step_links(asked: Asked, current: Window) -> dict[str, str]:
    """The period before and the one after; after the present one there is none."""
    step = timedelta(days=asked.days)
    links = {"earlier": asked.link(to=current.last - step)}
    if asked.to:
        links |= {"later": asked.link(to=current.last + step), "now": asked.link(to=None)}
    return links


def today_figures(today: Totals, current: Window) -> list[dict[str, str]]:
    """The last day, in short: today so far, or a whole one."""
    here: list[dict[str, str]] = []
    if not current.is_whole:
        active = selectors.realtime(now=current.until)["active_users"]
        here = [{"title": "here now", "value": written(active, Kind.COUNT)}]
    return [
        *here,
        {"title": "visits", "value": written(today.total_visits, Kind.COUNT)},
        {"title": "carts", "value": written(today.cart_sessions, Kind.COUNT)},
        {"title": "orders paid", "value": written(today.total_orders, Kind.COUNT)},
        {"title": "sales", "value": written(today.total_sales, Kind.MONEY)},
        {"title": "conversion", "value": written(derived(today)["conversion_rate"], Kind.RATE)},
    ]


def cards(totals: tuple[Totals, Totals], unique: tuple[int, int], asked: Asked) -> list[Card]:
    """The headline numbers; each links to itself in the chart."""
    made = []
    for key, metric in SHOWN.items():
        pair = unique if metric.of_totals is None else tuple(map(metric.of_totals, totals))
        made.append(card(metric, *pair, link=asked.link(plot=key), plotted=key == asked.plot))
    return made


def state(totals: Totals, stored: dict[date, DailyMetrics]) -> str:
    """`full`; `quiet` when nothing happened in the period; `new` in a shop that has seen nothing at all."""
    if totals.total_visits or totals.total_orders:
        return "full"
    return "quiet" if any(row.total_visits for row in stored.values()) or selectors.has_history() else "new"

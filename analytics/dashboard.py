"""The admin's index: what staff see first. `settings.UNFOLD["DASHBOARD_CALLBACK"]` points here."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from analytics import selectors
from analytics.cards import METRICS, USUAL, Card, card
from analytics.chart import chart
from analytics.figures import Kind, written
from analytics.models import DailyMetrics
from analytics.panels import attention_items, breakdown_panels, funnel, goal, outcomes
from analytics.periods import PERIODS, Window, previous, window
from analytics.periods import USUAL as USUAL_DAYS
from analytics.totals import Totals
from core.clock import now, shop_zone

NAMES = {1: "Today", 7: "7 days", 28: "28 days", 90: "90 days"}
CHARTED_AT_LEAST = 28
"""Days. A shorter period is charted in its surroundings."""


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `dashboard`, or `may_see_figures: False` for staff without `analytics.view_dailymetrics`."""
    allowed = request.user.has_perm("analytics.view_dailymetrics")
    figures = dashboard(asked_days(request), asked_plot(request), request) if allowed else None
    return {**context, "title": "Dashboard", "may_see_figures": allowed, "dashboard": figures}


def asked_days(request: HttpRequest) -> int:
    """`?days=`, if it is one of ours."""
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else USUAL_DAYS


def asked_plot(request: HttpRequest) -> str:
    """`?plot=`, if it is one of ours."""
    asked = request.GET.get("plot", USUAL)
    return asked if asked in METRICS else USUAL


def dashboard(days: int, plot: str, request: HttpRequest) -> dict[str, Any]:
    """Everything on the page."""
    current = window(days, now())
    before, charted = previous(current), window(max(days, CHARTED_AT_LEAST), current.until)
    stored = selectors.daily_rows(min(before.first, previous(charted).first), current.last)
    today = selectors.slice_totals(current.last_start, current.until)
    earlier = selectors.slice_totals(before.last_start, before.until)
    totals = selectors.window_totals(current, stored, today), selectors.window_totals(before, stored, earlier)
    return {
        "periods": period_links(days, plot),
        "current": current,
        "before": before,
        "until": f"{current.until.astimezone(shop_zone()):%H:%M}",
        "zone": str(shop_zone()),
        "today": today_figures(today, current),
        "cards": cards(totals, selectors.unique_visitors(current, before), days, plot),
        "goal": goal(selectors.goal_of_days(current.days), totals[0].sales),
        "chart": chart(METRICS[plot], charted, previous(charted), stored, today),
        "funnel": funnel(totals[0]),
        "sessionless_orders": totals[0].sessionless_orders,
        "outcomes": outcomes(selectors.order_outcomes(current)),
        "panels": breakdown_panels(current),
        "attention": attention_items(selectors.attention(), request),
        "state": state(totals[0], stored),
    }


def period_links(days: int, plot: str) -> list[dict[str, Any]]:
    """The periods that can be chosen."""
    return [{"title": NAMES[each], "link": address(each, plot), "active": each == days} for each in PERIODS]


def address(days: int, plot: str) -> str:
    """This page with that period and plotted metric."""
    return f"{reverse('admin:index')}?{urlencode({'days': days, 'plot': plot})}"


def today_figures(today: Totals, current: Window) -> list[dict[str, str]]:
    """Today so far, in short."""
    active = selectors.realtime(now=current.until)["active_users"]
    return [
        {"title": "here now", "value": written(active, Kind.COUNT)},
        {"title": "visits", "value": written(today.visits, Kind.COUNT)},
        {"title": "carts", "value": written(today.cart, Kind.COUNT)},
        {"title": "orders paid", "value": written(today.orders, Kind.COUNT)},
        {"title": "sales", "value": written(today.sales, Kind.MONEY)},
        {"title": "conversion", "value": written(today.conversion, Kind.RATE)},
    ]


def cards(totals: tuple[Totals, Totals], unique: tuple[int, int], days: int, plot: str) -> list[Card]:
    """The headline numbers; each links to itself in the chart."""
    made = []
    for metric in METRICS.values():
        pair = unique if metric.of_totals is None else tuple(map(metric.of_totals, totals))
        made.append(card(metric, *pair, link=address(days, metric.key), plotted=metric.key == plot))
    return made


def state(totals: Totals, stored: dict[date, DailyMetrics]) -> str:
    """`full`; `quiet` when nothing happened in the period; `new` in a shop that has seen nothing at all."""
    if totals.visits or totals.orders:
        return "full"
    return "quiet" if any(row.total_visits for row in stored.values()) or selectors.has_history() else "new"

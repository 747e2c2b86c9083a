"""Pages of staff as axe-core looks at them, on a desk, light and dark, and on a dark phone: nothing that keeps anybody
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from analytics.alerts.watching import raise_alert
from analytics.models import AlertKind, Annotation
from core import redis as core_redis
from sessions_app.state import ACTIVE
from tests.analytics.days import DAY, at, computed, event, purchase, visit
from tests.analytics.staff import let_in, logged_in
from tests.factories import OrderItemFactory, PaymentAttemptFactory, UserFactory
from tests.sessions_app.tracker.visitor import launched
from tests.world import together

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = at(14, 5)
PATIENCE_MS = 15_000
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
DESK, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
LAPTOP = ViewportSize(width=1280, height=800)
"""The narrowest on which the sidebar stands beside the page."""
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""All that is looked at on the desk, by axe's tags."""
OF_COLOURS = ["color-contrast", "link-in-text-block"]
OF_SIGHT = [*OF_COLOURS, "scrollable-region-focusable", "target-size"]
"""The rules that colours and widths can break: names and roles are the same on the phone."""
RUN_AXE = """
    async (rules) => {
        const found = await axe.run('#content', { runOnly: rules, resultTypes: ['violations'], preload: false });
        return found.violations
            .filter((each) => ['serious', 'critical'].includes(each.impact))
            .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.target} ${node.failureSummary}`));
    }
"""
"""Our part of the page. Sidebar and header are unfold's."""
DARKEN = "document.documentElement.classList.add('dark')"
UNFOLD_ALL = """
    document.querySelectorAll('.ff-panel details, .ff-annotate').forEach((each) => { each.open = true; });
    document.querySelectorAll('#content tbody tr:nth-child(n+3), .ff-week :is(td, th):nth-child(n+12)')
        .forEach((each) => each.remove());
"""
"""What is folded is looked at too. Two rows of a table stand for the others: axe takes long over each cell."""
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def shop() -> list[str]:
    """A shop in which something of everything has happened, and the addresses of its pages."""
    told = visit(at(13, 50), seconds=600, utm_source="news", country="GB", device="mobile", events_count=2)
    event(told, "page_view", page="/mugs"), event(told, "checkout_started")
    order = purchase(told, paid=at(13, 58))
    item = OrderItemFactory(order=order)
    event(told, "product_view", product_id=item.product_id)
    PaymentAttemptFactory(order_session__order=order, status="success", billing_checkout_id=str(uuid4()))
    purchase(visit(at(9) - timedelta(days=7)), status="failed", closed_at=at(9) - timedelta(days=7))
    purchase(visit(at(13, 40)), needs_attention="amount differs")
    for ago in (0, 7):
        computed(DAY - timedelta(days=ago), now=NOW)
    Annotation.objects.create(day=DAY - timedelta(days=2), text="Sale started")
    raise_alert(kind=AlertKind.TRAFFIC_LOW, sentence="2 visits from 13:00 to 14:00; usually 80 to 120", now=at(14))
    core_redis.client().zadd(ACTIVE, {told.pk.hex: NOW.timestamp() - 60})
    visits = "/admin/sessions_app/visitorsession"
    return [
        "/admin/?period=7",
        "/admin/?period=7&source=news&plot=sales",
        "/admin/live/",
        f"{visits}/{told.pk}/change/",
        f"{visits}/visitor/{told.visitor_id}/",
        f"/admin/orders/order/{order.pk}/change/",
        "/admin/analytics/staffsubscription/",
        "/admin/analytics/alert/",
    ]


def findings(page: Page, address: str) -> list[str]:
    """What is serious on a page on a desk, light and dark, and on a dark phone; what is wider than phone or laptop.

    A light phone has the colours of the light desk and the widths of the dark phone.
    """
    page.set_viewport_size(DESK)
    page.goto(address)
    expect(page.locator("[data-wanted]")).to_have_count(0, timeout=PATIENCE_MS)
    page.evaluate(UNFOLD_ALL)
    page.evaluate(AXE)
    found = [f"light desk, {each}" for each in page.evaluate(RUN_AXE, ALL)]
    page.evaluate(DARKEN)
    found += [f"dark desk, {each}" for each in page.evaluate(RUN_AXE, OF_COLOURS)]
    page.set_viewport_size(PHONE)
    found += [f"dark phone, {each}" for each in page.evaluate(RUN_AXE, OF_SIGHT)]
    for name, size in (("phone", PHONE), ("laptop", LAPTOP)):
        page.set_viewport_size(size)
        found += [f"{name}, it scrolls sideways"] if page.evaluate(SCROLLS_SIDEWAYS) else []
    return [f"{address}: {each}" for each in found]


def test_no_page_of_staff_keeps_anybody_out(live_server: LiveServer, chromium_path: str) -> None:
    client: Client = logged_in(UserFactory(is_staff=True, is_superuser=True))
    with launched(chromium_path) as browser:
        context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        let_in(context, client, live_server.url)
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        found = findings(page, "/admin/?period=28")
        (addresses,) = together(1, lambda _place: shop())
        found += [problem for address in addresses for problem in findings(page, address)]
    assert not found, "\n".join(found)

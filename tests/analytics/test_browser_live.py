"""The Live page in a browser: it refreshes itself, unless it is paused or nobody looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from core import redis as core_redis
from core.clock import now
from tests.analytics.days import purchase
from tests.analytics.staff import let_in, logged_in, member
from tests.sessions_app.tracker.visitor import HIDE, SHOW, launched
from tests.world import together

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = 15_000
TEN_SECONDS, TWO_MINUTES = 10_000, 120_000


def elsewhere(work: Callable[[], Any]) -> Any:
    """Does something in the shop: beside a browser Django takes this thread for an event loop."""
    (result,) = together(1, lambda _place: work())
    return result


def ordered() -> str:
    """The number of a new order, which the next answer knows."""
    number: str = elsewhere(lambda: purchase(None, placed_at=now())).number
    for key in core_redis.client().keys("once:*"):
        core_redis.client().delete(key)
    return number


def asked(page: Page, act: Callable[[], object]) -> None:
    """Does something that makes the page ask for its figures."""
    with page.expect_response("**/admin/live/figures/"):
        act()


def opened(page: Page, client: Client, shop: str) -> list[Request]:
    """The page as who is logged in opens it; what it asks for from then on."""
    let_in(page.context, client, shop)
    page.clock.install()
    page.goto(f"{shop}/admin/live/")
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request) if "/figures/" in request.url else None)
    return requests


def test_the_page_refreshes_itself_as_long_as_somebody_looks(live_server: LiveServer, chromium_path: str) -> None:
    client = logged_in(member("analytics.view_dailymetrics", "orders.view_order"))
    with launched(chromium_path) as browser:
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(PATIENCE_MS)
        requests = opened(page, client, live_server.url)
        state, said, orders = page.locator("#ff-live-state"), page.get_by_role("status"), page.locator("[data-order]")
        page.get_by_text("The same as a table").click()

        number = ordered()
        asked(page, lambda: page.clock.fast_forward(TEN_SECONDS))
        expect(orders).to_contain_text(number)
        expect(said).to_have_text(f"New order: {number}, £20.00, Waiting for payment.")
        expect(state).to_have_text(re.compile(r"^Updated \d s ago$"))
        expect(page.locator("details")).to_have_attribute("open", "")

        page.get_by_role("button", name="Pause").press("Enter")
        count = len(requests)
        page.clock.fast_forward(TWO_MINUTES)
        expect(state).to_have_text("Paused. Updated 2 min ago")
        assert len(requests) == count
        asked(page, lambda: page.get_by_role("button", name="Go on").press("Enter"))

        page.evaluate(HIDE)
        count = len(requests)
        page.clock.fast_forward(TWO_MINUTES)
        assert len(requests) == count
        asked(page, lambda: page.evaluate(SHOW))

        page.context.set_offline(True)
        page.clock.fast_forward(TEN_SECONDS)
        expect(state).to_contain_text("Not reached since")
        asked(page, lambda: page.context.set_offline(False))
        expect(state).to_have_text(re.compile(r"^Updated \d s ago$"))

        elsewhere(Session.objects.all().delete)
        page.clock.fast_forward(TEN_SECONDS)
        expect(page.get_by_role("link", name="Log in again")).to_be_visible()

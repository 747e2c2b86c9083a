"""The dashboard in a browser: its tiles come by themselves, and it is worked by keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.analytics.days import DAY, at, computed, visit
from tests.analytics.staff import let_in, logged_in, member
from tests.sessions_app.tracker.visitor import launched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = at(14, 5)
PATIENCE_MS = 15_000
FIGURES, ANNOTATE = "analytics.view_dailymetrics", "analytics.add_annotation"
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff() -> Client:
    """Somebody who may see figures and write notes, in a shop with visits today, yesterday and the day before."""
    for ago in range(3):
        for _ in range(3 - ago):
            visit(at(9) - timedelta(days=ago), utm_source="news")
        computed(DAY - timedelta(days=ago), now=NOW)
    return logged_in(member(FIGURES, ANNOTATE))


@pytest.fixture
def page(staff: Client, live_server: LiveServer, chromium_path: str) -> Iterator[Page]:
    """Their browser, at the shop's time."""
    with launched(chromium_path) as browser:
        page = browser.new_page(base_url=live_server.url, locale="en-GB", viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.clock.set_fixed_time(NOW)
        let_in(page.context, staff, live_server.url)
        yield page


def press(page: Page, key: str, query: str) -> None:
    """A key that leads to another page, whose address has this in it."""
    with page.expect_navigation(url=re.compile(re.escape(query))):
        page.keyboard.press(key)


def all_tiles_are_there(page: Page) -> None:
    expect(page.locator("[data-wanted]")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.locator(".ff-waiting")).to_have_count(0)


def test_keys_do_what_their_list_says_unless_they_are_off_or_somebody_types(page: Page) -> None:
    page.goto("/admin/?period=28")
    for key, query in (("w", "period=7"), ("ArrowLeft", "to=2026-03-03"), ("ArrowRight", "to=2026-03-10")):
        press(page, key, query)
    page.set_viewport_size({"width": 390, "height": 844})
    all_tiles_are_there(page)
    week, address = page.locator("[data-tile=week] .ff-scroll"), page.url
    week.focus()
    page.keyboard.press("ArrowRight")
    expect(week).not_to_have_js_property("scrollLeft", 0)
    assert page.url == address
    page.set_viewport_size({"width": 1440, "height": 900})
    press(page, "x", "compare=none")
    press(page, "m", "period=month&compare=none")

    keys = page.locator("#ff-keys")
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("c")
    expect(page.get_by_label("From")).to_be_focused()
    page.keyboard.type("wd")
    page.keyboard.press("/")
    expect(page.get_by_label("From")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Custom", exact=True)).to_be_focused()
    expect(page.get_by_label("From")).to_be_hidden()

    page.goto("/admin/?period=7&came=source")
    with page.expect_navigation(url=re.compile("source=news")):
        page.get_by_role("link", name="news", exact=True).press("Enter")
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Source: news")
    press(page, "Escape", "period=7&came=source")
    expect(page.get_by_role("list", name="Filters")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Source: news")
    all_tiles_are_there(page)

    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.reload()
    address = page.url
    page.keyboard.press("d")
    page.keyboard.press("?")
    expect(page.get_by_label("Use these keys")).not_to_be_checked()
    assert page.url == address
    page.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    press(page, "l", "/admin/live/")


def test_tiles_come_by_themselves_or_say_so_and_the_chart_is_read_by_arrow_keys(page: Page) -> None:
    page.route("**/admin/dashboard/tiles?*", lambda route: route.abort(), times=2)
    page.goto("/admin/?period=7&plot=visits")
    chart = page.locator("[data-tile=chart]")
    expect(chart.get_by_role("alert")).to_have_text("This did not come. Try again")
    again = chart.get_by_role("button", name="Try again")
    with page.expect_event("requestfailed"):
        again.press("Enter")
    expect(again).to_be_focused()
    again.press("Enter")
    slider = chart.get_by_role("slider", name="Visits by day, one by one")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Tue 10 Mar so far: 3"))
    expect(chart).to_be_focused()
    expect(page.locator("[data-tile=cards]").get_by_role("alert")).to_be_visible()

    page.reload()
    all_tiles_are_there(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("[data-tile=cards]")).to_contain_text("just counted")
    expect(chart.locator(".ff-lines .ff-line").first).to_have_attribute("d", re.compile("^M"))

    slider.focus()
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^Mon 9 Mar: 2\. Mon 2 Mar: 0"))
    expect(chart.locator(".ff-says")).to_have_text(re.compile("^Mon 9 Mar: 2"))
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    assert page.url.endswith("?period=7&plot=visits")

    slider.press("Enter")
    expect(page.get_by_label("Day", exact=True)).to_have_value(str(date(2026, 3, 4)))
    expect(page.get_by_label("Note", exact=True)).to_be_focused()
    page.keyboard.type("Wax & mugs 7 d")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Notes on days")).to_have_text("A Wed 4 Mar: Wax & mugs 7 d")

    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate(SCROLLS_SIDEWAYS)

"""What tracker.js counts, in a real browser: page views and the seconds that a page was seen."""

import re

import pytest
from playwright.sync_api import Page

from tests.sessions_app.tracker.site import TAG, Site
from tests.sessions_app.tracker.visitor import HIDE, SHOW

pytestmark = pytest.mark.browser

HASH_TAG = '<script defer data-hash src="/tracker.js"></script>'
AN_HOUR_PASSES_ONCE_HIDDEN = """
    const now = performance.now.bind(performance);
    let hour = 0;
    performance.now = () => now() + hour;
    addEventListener('visibilitychange', () => { hour = 3600e3; });
"""
IN_THE_BACKGROUND = "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })"


def mark_end(page: Page, site: Site) -> None:
    """What the page had to send is there when this has come."""
    page.evaluate("footfall.track('end')")
    site.wait_for(1, "end")


# Page views


def test_ordinary_page_is_viewed_once_with_title_and_referrer(page: Page, site: Site) -> None:
    site.pages["/"] = "<a href='/mug?colour=red'>Mug</a>"
    page.goto("/")
    page.get_by_role("link").click()
    [view] = site.wait_for(1, "page_view")
    mark_end(page, site)
    assert site.pages_viewed() == ["/mug?colour=red"]
    assert (view["title"], view["referrer"]) == ("Shop", f"{site.address()}/")


def test_pushed_replaced_and_revisited_pages_are_viewed(page: Page, site: Site) -> None:
    page.goto("/")
    page.evaluate("history.pushState({}, '', '/mug')")
    page.evaluate("history.replaceState({}, '', '/mug?colour=red')")
    page.evaluate("history.back()")
    site.wait_for(4, "page_view")
    assert site.pages_viewed() == ["/", "/mug", "/mug?colour=red", "/"]


def test_only_the_first_view_has_the_referrer(page: Page, site: Site) -> None:
    page.goto("/", referer="https://search.example/")
    page.evaluate("history.pushState({}, '', '/mug')")
    first, second = site.wait_for(2, "page_view")
    assert first["referrer"] == "https://search.example/"
    assert "referrer" not in second


def test_same_page_replaced_is_viewed_once(page: Page, site: Site) -> None:
    page.goto("/mug?colour=red")
    page.evaluate("history.replaceState({ scroll: 100 }, '', location.href)")
    mark_end(page, site)
    assert site.pages_viewed() == ["/mug?colour=red"]


def test_hash_is_no_page_unless_asked(page: Page, site: Site) -> None:
    page.goto("/#top")
    page.evaluate("location.hash = 'sizes'")
    page.evaluate("history.pushState({}, '', '#colours')")
    mark_end(page, site)
    assert site.pages_viewed() == ["/"]


def test_hash_is_a_page_if_asked(page: Page, site: Site) -> None:
    site.pages["/"] = HASH_TAG
    page.goto("/#/")
    page.evaluate("location.hash = '#/mug'")
    page.evaluate("history.pushState({}, '', '#/cart')")
    site.wait_for(3, "page_view")
    assert site.pages_viewed() == ["/#/", "/#/mug", "/#/cart"]


def test_page_from_the_back_forward_cache_is_viewed_again(page: Page, site: Site) -> None:
    page.goto("/")
    site.wait_for(1, "page_view")
    page.evaluate("window.kept = true")
    page.goto("/mug")
    site.wait_for(2, "page_view")
    page.evaluate("history.back()")
    views = site.wait_for(3, "page_view")
    assert page.evaluate("window.kept"), "the browser loaded the page anew"
    assert site.pages_viewed() == ["/", "/mug", "/"]
    assert "referrer" not in views[2]


def test_page_in_the_background_is_viewed_when_it_is_seen(page: Page, site: Site) -> None:
    page.add_init_script(IN_THE_BACKGROUND)
    page.goto("/first")
    page.evaluate("history.replaceState({}, '', '/then')")
    mark_end(page, site)
    assert site.pages_viewed() == []
    page.evaluate(SHOW)
    site.wait_for(1, "page_view")
    assert site.pages_viewed() == ["/then"]


def test_page_rendered_ahead_is_viewed_when_it_is_shown(page: Page, site: Site) -> None:
    """As Chromium does it: hidden while it is prerendered, then made visible, `prerenderingchange` last."""
    page.add_init_script(f"{IN_THE_BACKGROUND}; Object.defineProperty(document, 'prerendering', {{ value: true }})")
    page.goto("/mug")
    mark_end(page, site)
    assert site.pages_viewed() == []
    page.evaluate(SHOW)
    page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    site.wait_for(1, "page_view")
    assert site.pages_viewed() == ["/mug"]


# Beside other scripts


def test_second_copy_does_nothing(page: Page, site: Site) -> None:
    site.pages["/"] = f"{TAG}<script defer src='/tracker.js?again'></script>"
    page.goto("/")
    page.evaluate("history.pushState({}, '', '/mug')")
    mark_end(page, site)
    assert site.pages_viewed() == ["/", "/mug"]


def test_nothing_but_footfall_is_added_to_the_window(page: Page, site: Site) -> None:
    site.pages["/"] = f"<script>var before = Object.getOwnPropertyNames(window)</script>{TAG}"
    page.goto("/")
    mark_end(page, site)
    added = page.evaluate("Object.getOwnPropertyNames(window).filter(name => !before.includes(name))")
    assert added == ["footfall"]
    assert page.evaluate("Object.keys(footfall)") == ["track", "consent"]


def test_element_with_the_id_footfall_is_no_second_copy(page: Page, site: Site) -> None:
    site.pages["/"] = f"<div id=footfall></div>{TAG}"
    page.goto("/")
    site.wait_for(1, "page_view")


@pytest.mark.parametrize("order", ["before", "after"])
def test_history_that_another_script_wraps_works_and_counts(page: Page, site: Site, order: str) -> None:
    wrap = """<script>
        window.wrap = () => {
            const old = history.pushState;
            history.pushState = function () { window.wrapped = true; return old.apply(this, arguments); };
        };
    </script>"""
    before, after = ("wrap()", "") if order == "before" else ("", "wrap()")
    site.pages["/"] = f"{wrap}<script>{before}</script><script src='/tracker.js'></script><script>{after}</script>"
    page.goto("/")
    page.evaluate("history.pushState({ kept: 1 }, '', '/mug')")
    site.wait_for(2, "page_view")
    assert site.pages_viewed() == ["/", "/mug"]
    assert page.evaluate("[wrapped, history.state]") == [True, {"kept": 1}]


def test_refused_navigation_stays_the_shops_error(page: Page, site: Site) -> None:
    page.goto("/")
    error = page.evaluate("try { history.pushState({}, '', 'https://other.example/') } catch (error) { error.name }")
    assert error == "SecurityError"
    mark_end(page, site)
    assert site.pages_viewed() == ["/"]


# Seconds


@pytest.fixture
def stopped(page: Page, site: Site) -> Page:
    """A page that has told its seconds so far, is seen again, and whose clock goes on only when told."""
    page.clock.install(time=0)
    page.goto("/mug")
    page.clock.pause_at(3600)
    site.wait_for(1, "page_view")
    page.evaluate(HIDE)
    page.evaluate(SHOW)
    site.wait_for(1, "engagement")
    site.received.clear()
    return page


def test_seconds_are_told_when_the_page_is_hidden(stopped: Page, site: Site) -> None:
    stopped.clock.run_for(7000)
    stopped.evaluate(HIDE)
    site.wait_for(1, "engagement")
    assert site.seconds_seen() == [("/mug", 7)]


def test_hidden_time_is_not_seen_and_each_hiding_tells_the_time_since_the_last(stopped: Page, site: Site) -> None:
    for number, (seen_ms, hidden_ms) in enumerate([(4000, 60_000), (2000, 0)], start=1):
        stopped.clock.run_for(seen_ms)
        stopped.evaluate(HIDE)
        site.wait_for(number, "engagement")
        stopped.clock.run_for(hidden_ms)
        stopped.evaluate(SHOW)
    assert site.seconds_seen() == [("/mug", 4), ("/mug", 2)]


def test_seconds_belong_to_the_page_that_was_left(stopped: Page, site: Site) -> None:
    stopped.clock.run_for(5000)
    stopped.evaluate("history.pushState({}, '', '/cart')")
    stopped.clock.run_for(3000)
    site.wait_for(1, "engagement")
    stopped.evaluate(HIDE)
    site.wait_for(2, "engagement")
    assert site.seconds_seen() == [("/mug", 5), ("/cart", 3)]
    assert [event["eventType"] for event in site.sent()] == ["engagement", "page_view", "engagement"]


def test_less_than_half_a_second_is_not_told_but_added_up(stopped: Page, site: Site) -> None:
    for _ in range(3):
        stopped.clock.run_for(400)
        stopped.evaluate(HIDE)
        stopped.evaluate(SHOW)
    stopped.evaluate("footfall.track('end')")
    stopped.evaluate(HIDE)
    site.wait_for(1, "end")
    site.wait_for(1, "engagement")
    assert site.seconds_seen() == [("/mug", 1)]


def test_seconds_are_told_once_when_the_page_is_left(page: Page, site: Site) -> None:
    page.clock.install(time=0)
    page.goto("/mug")
    site.wait_for(1, "page_view")
    page.clock.fast_forward(60_000)
    page.goto("about:blank")
    site.wait_for(1, "engagement")
    page.goto("/cart")
    mark_end(page, site)
    [(seen, seconds)] = site.seconds_seen()
    assert seen == "/mug"
    assert 60 <= seconds <= 80


def test_time_in_the_back_forward_cache_is_not_seen(page: Page, site: Site) -> None:
    page.goto("/")
    site.wait_for(1, "page_view")
    page.evaluate(AN_HOUR_PASSES_ONCE_HIDDEN)
    page.goto("/mug")
    site.wait_for(2, "page_view")
    page.evaluate("history.back()")
    site.wait_for(3, "page_view")
    assert page.evaluate("performance.now()") >= 3600e3
    page.evaluate(HIDE)
    mark_end(page, site)
    assert sum(seconds for _, seconds in site.seconds_seen()) < 1000


def test_browser_that_hides_no_page_it_leaves_counts_no_time_away_either(stopped: Page, site: Site) -> None:
    """Safari before 14.1 left a page with `pagehide` alone."""
    stopped.clock.run_for(2000)
    stopped.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    site.wait_for(1, "engagement")
    stopped.clock.run_for(60_000)
    stopped.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    stopped.clock.run_for(3000)
    stopped.evaluate(HIDE)
    site.wait_for(2, "engagement")
    assert site.seconds_seen() == [("/mug", 2), ("/mug", 3)]


def test_event_of_the_shop_has_page_and_time(page: Page, site: Site) -> None:
    page.goto("/mug")
    page.evaluate("footfall.track('add_to_cart', { productId: 'p', metadata: { quantity: 2 } })")
    page.evaluate("footfall.track('search', { page: '/somewhere' })")
    cart, search = site.wait_for(3)[1:]
    assert (cart["eventType"], cart["page"], cart["productId"], cart["metadata"]) == (
        "add_to_cart", "/mug", "p", {"quantity": 2},
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", cart["timestamp"])
    assert search["page"] == "/somewhere"

"""How tracker.js delivers, in a real browser: nothing lost and nothing twice, whatever network and server do."""

from uuid import UUID

import pytest
from playwright.sync_api import Page

from tests.sessions_app.tracker.site import Site
from tests.sessions_app.tracker.visitor import COUNT_PAUSES, HIDE, SHOW

pytestmark = pytest.mark.browser

BEACON_BYTES = 60 * 1024
QUEUE = 500
LOOK_AT_FETCH = """
    window.outlive = [];
    const old = window.fetch;
    window.fetch = (url, init) => { outlive.push(init.keepalive); return old(url, init); };
"""


def open_shop(page: Page, site: Site) -> None:
    """A page that has been counted, so that what comes now is the test's."""
    page.goto("/")
    site.wait_for(1, "page_view")
    site.received.clear()


def ids(site: Site) -> list[str]:
    return [event["eventId"] for event in site.sent()]


# One request for many events


def test_events_of_a_moment_travel_together(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.evaluate("for (let number = 0; number < 60; number++) footfall.track('add_to_cart')")
    site.wait_for(60)
    assert len(site.tracked()) == 1


def test_a_request_has_a_hundred_events_at_most(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.evaluate("for (let number = 0; number < 250; number++) footfall.track('add_to_cart')")
    site.wait_for(250)
    assert [len(request.body["events"]) for request in site.tracked()] == [100, 100, 50]


def test_more_than_a_beacon_holds_is_split_and_arrives_once(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.evaluate("for (let i = 0; i < 20; i++) footfall.track('search', { metadata: { query: 'ế'.repeat(3000) } })")
    page.evaluate(HIDE)
    site.wait_for(20, "search")
    assert max(request.size for request in site.tracked()) < BEACON_BYTES
    assert len(set(ids(site))) == len(ids(site))


def test_event_that_no_request_could_carry_holds_nothing_up(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.evaluate("footfall.track('huge', { metadata: { text: 'x'.repeat(1e6) } })")
    page.evaluate("footfall.track('search')")
    site.wait_for(1)
    assert [event["eventType"] for event in site.sent()] == ["search"]


@pytest.mark.parametrize("metadata", ["window", "{ get query() { throw new Error('mine') } }", "1n"])
def test_event_that_is_no_json_is_dropped_without_an_error(page: Page, site: Site, metadata: str) -> None:
    open_shop(page, site)
    page.evaluate(f"footfall.track('odd', {{ metadata: {metadata} }})")
    page.evaluate("footfall.track('search')")
    site.wait_for(1)
    assert [event["eventType"] for event in site.sent()] == ["search"]


# A page that goes away


def test_page_that_navigates_away_loses_nothing(page: Page, site: Site) -> None:
    page.goto("/mug")
    page.evaluate("footfall.track('add_to_cart'); location.href = 'about:blank'")
    site.wait_for(2)
    assert [event["eventType"] for event in site.sent()] == ["page_view", "add_to_cart"]


def test_page_closed_in_mid_flight_loses_nothing(page: Page, site: Site) -> None:
    page.goto("/mug")
    page.evaluate("footfall.track('add_to_cart')")
    page.close(run_before_unload=True)
    site.wait_for(2)
    assert [event["eventType"] for event in site.sent()] == ["page_view", "add_to_cart"]


@pytest.mark.parametrize(
    "beacon", ["delete Navigator.prototype.sendBeacon", "Navigator.prototype.sendBeacon = () => false"]
)
def test_page_left_without_a_beacon_that_takes_it_loses_nothing(page: Page, site: Site, beacon: str) -> None:
    page.add_init_script(beacon)
    open_shop(page, site)
    site.takes = 1  # the page is gone before the first answer
    page.evaluate("for (let number = 0; number < 350; number++) footfall.track('search')")
    page.close(run_before_unload=True)
    site.wait_for(350, "search")
    assert len(set(ids(site))) == len(ids(site))


def test_every_request_may_outlive_the_page(page: Page, site: Site) -> None:
    page.add_init_script(LOOK_AT_FETCH)
    open_shop(page, site)
    page.evaluate("footfall.consent(true)")
    assert page.evaluate("outlive") == [True, True]


def test_beacon_that_throws_reaches_nobody(page: Page, site: Site) -> None:
    page.add_init_script("Navigator.prototype.sendBeacon = () => { throw new Error('blocked') }")
    open_shop(page, site)
    page.evaluate("footfall.track('add_to_cart')")
    page.evaluate(HIDE)
    site.wait_for(1)


# A network and a server that fail


def test_offline_then_online_loses_nothing_and_sends_nothing_twice(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.context.set_offline(True)
    for path in ("/mug", "/cart"):
        page.evaluate("path => history.pushState({}, '', path)", path)
        page.evaluate("footfall.track('search')")
    page.evaluate(HIDE)  # a beacon would be lost now
    page.evaluate(SHOW)
    page.wait_for_timeout(500)
    assert site.sent() == []
    page.context.set_offline(False)
    site.wait_for(4)
    page.evaluate("footfall.track('end')")
    site.wait_for(1, "end")
    types = [event["eventType"] for event in site.sent() if event["eventType"] != "engagement"]
    assert sorted(types) == ["end", "page_view", "page_view", "search", "search"]
    assert len(set(ids(site))) == len(ids(site))


def test_online_does_not_wait_for_the_next_try(page: Page, site: Site) -> None:
    page.clock.install()
    open_shop(page, site)
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.context.set_offline(True)
    page.evaluate("footfall.track('search')")
    page.clock.run_for(400)
    page.context.set_offline(False)
    # Chromium tells it by itself only on a machine that has a network of its own.
    page.evaluate("dispatchEvent(new Event('online'))")
    site.wait_for(1)


@pytest.mark.parametrize("status", [503, 500, 429, 0], ids=["503", "500", "429", "hung up"])
def test_refused_events_are_sent_again_with_the_same_id_and_time(page: Page, site: Site, status: int) -> None:
    page.add_init_script(COUNT_PAUSES)
    site.answers = [status] * 4  # Chromium itself repeats a request on which the server hung up, but not as often
    page.goto("/")
    site.wait_until(lambda: len(site.tracked()) == 5)
    first, *others = (request.body for request in site.tracked())
    assert others == [first] * 4
    assert len(page.evaluate("pauses")) > 1


@pytest.mark.parametrize("status", [400, 413])
def test_events_that_the_server_does_not_want_are_not_sent_again(page: Page, site: Site, status: int) -> None:
    page.add_init_script(COUNT_PAUSES)
    site.answers = [status]
    page.goto("/")
    site.wait_for(1, "page_view")
    page.evaluate("footfall.track('search')")
    site.wait_for(1, "search")
    assert len(site.sent()) == 2
    assert page.evaluate("pauses") == [300, 300]


def test_pause_doubles_up_to_a_minute_and_is_short_again_after_success(page: Page, site: Site) -> None:
    page.add_init_script(COUNT_PAUSES)
    site.answers = [503] * 8 + [202, 503]
    page.goto("/")
    site.wait_until(lambda: len(site.tracked()) == 9)
    page.evaluate("footfall.track('search')")
    site.wait_until(lambda: len(site.tracked()) == 11)
    seconds = [1, 2, 4, 8, 16, 32, 60, 60]
    assert page.evaluate("pauses") == [300, *(1000 * each for each in seconds), 300, 1000]


def test_events_that_cannot_be_sent_wait_in_a_bounded_queue(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.context.set_offline(True)
    page.evaluate(f"for (let number = 0; number < {QUEUE} + 200; number++) footfall.track('search')")
    page.context.set_offline(False)
    site.wait_for(QUEUE, "search")
    page.evaluate("footfall.track('end')")
    site.wait_for(1, "end")
    assert len(site.sent("search")) == len({event["eventId"] for event in site.sent("search")}) == QUEUE


# Ids


def test_ids_are_uuids(page: Page, site: Site) -> None:
    open_shop(page, site)
    page.evaluate("footfall.track('search')")
    [event] = site.wait_for(1)
    assert UUID(event["eventId"]).version == 4


def test_ids_on_a_page_without_https_are_uuids_too(page: Page, site: Site) -> None:
    page.goto(site.address("shop.test"))
    assert page.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    page.evaluate("for (let number = 0; number < 50; number++) footfall.track('search')")
    site.wait_for(51)
    assert len({UUID(event["eventId"]) for event in site.sent()}) == 51


def test_without_any_crypto_the_server_makes_the_ids(page: Page, site: Site) -> None:
    page.add_init_script("Object.defineProperty(window, 'crypto', { value: undefined })")
    page.goto("/")
    [event] = site.wait_for(1)
    assert "eventId" not in event

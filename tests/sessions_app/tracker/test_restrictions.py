"""tracker.js under restrictions, in a real browser: what visitor, browser and shop refuse."""

from pathlib import Path

import pytest
from django.test import RequestFactory
from playwright.sync_api import Page

from sessions_app.track import tracker_js
from tests.sessions_app.tracker.site import CONSENT, Received, Site
from tests.sessions_app.tracker.visitor import HIDE

pytestmark = pytest.mark.browser

NO_STORAGE = """
    const refuse = { get() { throw new DOMException('', 'SecurityError') }, set() { throw new DOMException('') } };
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
        Object.defineProperty(window, name, refuse);
    Object.defineProperty(Document.prototype, 'cookie', refuse);
"""
TOKEN = "abc}\"'.ế:1"


def first_body(site: Site) -> Received:
    site.wait_for(1)
    return site.tracked()[0]


def consent_request(site: Site) -> Received:
    site.wait_until(lambda: any(request.path == CONSENT for request in site.received))
    return next(request for request in site.received if request.path == CONSENT)


# What the visitor says


def test_nothing_said_adds_nothing(page: Page, site: Site) -> None:
    page.goto("/")
    assert list(first_body(site).body) == ["events"]


def test_global_privacy_control_opts_out(page: Page, site: Site) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    page.goto("/")
    assert first_body(site).body["optOut"] is True


def test_do_not_track_opts_out(page: Page, site: Site) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'doNotTrack', { value: '1' })")
    page.goto("/")
    assert first_body(site).body["optOut"] is True


@pytest.mark.parametrize("value", ["'0'", "'unspecified'", "null", "undefined"])
def test_do_not_track_that_says_no_such_thing_does_not(page: Page, site: Site, value: str) -> None:
    page.add_init_script(f"Object.defineProperty(navigator, 'doNotTrack', {{ value: {value} }})")
    page.goto("/")
    assert "optOut" not in first_body(site).body


@pytest.mark.parametrize("choice", [True, False], ids=["yes", "no"])
def test_consent_is_put_and_answered(page: Page, site: Site, choice: bool) -> None:
    page.goto("/")
    site.wait_for(1)
    site.answers = [200]
    assert page.evaluate("choice => footfall.consent(choice).then(answer => answer.ok)", choice)
    request = consent_request(site)
    assert (request.method, request.body) == ("PUT", {"analytics": choice})
    assert request.headers["Content-Type"] == "application/json"
    assert "X-Visitor-Session" not in request.headers


@pytest.mark.parametrize("status", [0, 503], ids=["hung up", "503"])
def test_consent_that_does_not_arrive_is_no_rejection(page: Page, site: Site, status: int) -> None:
    page.goto("/")
    site.wait_for(1)
    site.answers = [status] * 10  # Chromium itself repeats a request on which the server hung up
    assert not page.evaluate("footfall.consent(true).then(answer => answer.ok)")


# Sessions that no cookie carries


def test_session_of_the_tag_is_in_every_body(page: Page, site: Site) -> None:
    site.pages["/"] = "<script defer data-session='given' src='/tracker.js'></script>"
    page.goto("/")
    site.wait_for(1)
    page.evaluate("footfall.track('search')")
    page.evaluate(HIDE)
    site.wait_for(2)
    assert [request.body["session"] for request in site.tracked()] == ["given"] * len(site.tracked())


def test_session_is_told_as_it_is_given(page: Page, site: Site) -> None:
    escaped = TOKEN.replace('"', "&quot;").replace("'", "&#39;")
    site.pages["/"] = f"<meta charset='utf-8'><script defer data-session='{escaped}' src='/tracker.js'></script>"
    page.goto("/")
    assert first_body(site).body["session"] == TOKEN


def test_consent_of_another_site_has_the_session_in_its_header(page: Page, site: Site) -> None:
    site.pages["/"] = f"<script defer data-session='given' src='{site.address()}/tracker.js'></script>"
    page.goto(site.address("shop.test"))
    site.wait_for(1)
    site.answers = [200]
    assert page.evaluate("footfall.consent(true).then(answer => answer.ok)")
    request = consent_request(site)
    assert request.headers["X-Visitor-Session"] == "given"
    assert request.headers["Host"] == f"127.0.0.1:{site.port}"


def test_shop_on_another_origin_is_counted_where_its_script_comes_from(page: Page, site: Site) -> None:
    site.pages["/"] = f"<script defer src='{site.address()}/tracker.js'></script>"
    page.goto(site.address("shop.test"))
    assert first_body(site).headers["Host"] == f"127.0.0.1:{site.port}"


def test_data_api_names_another_origin(page: Page, site: Site) -> None:
    site.pages["/"] = f"<script defer data-api='{site.address('shop.test')}' src='/tracker.js'></script>"
    page.goto("/")
    assert first_body(site).headers["Host"] == f"shop.test:{site.port}"


# What the browser and the policies of the shop forbid


def test_blocked_storage_and_cookies_change_nothing(page: Page, site: Site) -> None:
    page.add_init_script(NO_STORAGE)
    page.goto("/")
    page.evaluate("footfall.track('search')")
    site.wait_for(2)


def test_sandboxed_frame_without_an_origin_is_counted(page: Page, site: Site) -> None:
    site.pages["/"] = "<iframe sandbox='allow-scripts' src='/framed'></iframe>"
    page.goto("/")
    site.wait_for(1)
    assert site.pages_viewed() == ["/framed"]
    assert site.tracked()[0].headers["Origin"] == "null"


def test_strict_policy_lets_it_work(page: Page, site: Site) -> None:
    origin = site.address()
    site.policies["/"] = f"default-src 'none'; script-src {origin}; connect-src {origin}"
    page.goto("/")
    page.evaluate("footfall.track('search')")
    page.evaluate(HIDE)
    site.wait_for(2)


def test_policy_that_forbids_connections_leaves_the_page_in_peace(page: Page, site: Site) -> None:
    site.policies["/"] = f"default-src 'none'; script-src {site.address()}; connect-src 'none'"
    page.goto("/")
    page.wait_for_timeout(500)  # past the first try
    assert not page.evaluate("footfall.consent(true).then(answer => answer.ok)")
    page.evaluate("footfall.track('search')")
    page.evaluate(HIDE)
    page.evaluate("history.pushState({}, '', '/mug')")
    assert site.received == []


def test_script_tag_that_cannot_be_found_counts_at_the_pages_own_origin(page: Page, site: Site) -> None:
    site.pages["/"] = "<script type='module' src='/tracker.js'></script>"
    page.goto("/")
    site.wait_for(1, "page_view")


def test_page_saved_as_a_file_has_no_errors(page: Page, tmp_path: Path) -> None:
    """It has no origin to send to: there sendBeacon throws."""
    (tmp_path / "tracker.js").write_bytes(tracker_js(RequestFactory().get("/tracker.js")).content)
    (tmp_path / "shop.html").write_text("<!doctype html><script src='tracker.js'></script>")
    page.goto((tmp_path / "shop.html").as_uri())
    page.evaluate("footfall.track('search')")
    page.evaluate(HIDE)
    assert not page.evaluate("footfall.consent(true).then(answer => answer.ok)")

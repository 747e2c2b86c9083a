"""A browser for the tracker's tests, and what can be done to its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.sessions_app.tracker.site import Site

HIDE = """
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
"""
SHOW = """
    delete document.visibilityState;
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
"""
COUNT_PAUSES = """
    window.pauses = [];
    const wait = window.setTimeout;
    window.setTimeout = (then, ms) => { pauses.push(ms); return wait(then, Math.min(ms, 300)); };
"""
"""Remembers how long the page wants to wait, and lets it wait less."""


@contextmanager
def launched(chromium_path: str) -> Iterator[Browser]:
    """A Chromium with the back/forward cache, which Playwright leaves out. It finds `shop.test` on this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--host-resolver-rules=MAP shop.test 127.0.0.1"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab at the site. Any error that reaches its pages, also an unhandled rejection, fails the test."""
    errors: list[str] = []
    context = browser.new_context(base_url=site.address())
    context.set_default_timeout(10_000)
    page = context.new_page()
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield page
    context.close()
    assert errors == []

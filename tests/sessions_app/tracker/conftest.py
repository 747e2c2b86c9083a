"""A shop's pages with the script on them, and a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.sessions_app.tracker.site import Site, serving
from tests.sessions_app.tracker.visitor import launched, visiting


@pytest.fixture(scope="module")
def browser(whole_chromium_path: str) -> Iterator[Browser]:
    """One browser for a module."""
    with launched(whole_chromium_path) as browser:
        yield browser


@pytest.fixture
def site() -> Iterator[Site]:
    """Pages, and what the script sends from them."""
    with serving() as site:
        yield site


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab on that site."""
    with visiting(browser, site) as page:
        yield page

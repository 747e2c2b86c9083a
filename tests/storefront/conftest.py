"""A Chromium that is found, and the stub shop for it to look at."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.storefront.stub_api import StubShop, serve

USUAL_PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium: the one that CHROMIUM names, else one in the usual places. Without any the tests are not run."""
    places = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else list(USUAL_PLACES)
    for place in places:
        if Path(place).exists():
            return place
    pytest.skip(f"NOT RUN: no Chromium at {', '.join(places)}. Install one, or name it in CHROMIUM.")


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One browser for a module. Not longer: while Playwright runs, Django believes that it is inside an event loop."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def shop() -> Iterator[StubShop]:
    """The stub shop, served."""
    stub = StubShop()
    server = serve(stub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    with override_settings(ROOT_URLCONF="tests.storefront.urls"):
        thread.start()
        yield stub
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def context(browser: Browser, shop: StubShop) -> Iterator[BrowserContext]:
    """A phone of 360 px in English, that has never been here."""
    opened = browser.new_context(base_url=shop.base, viewport={"width": 360, "height": 740}, locale="en-GB")
    opened.set_default_timeout(8000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. Whatever the browser complains about (script errors, refusals of the CSP) fails the test."""
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    yield opened
    assert complaints == []

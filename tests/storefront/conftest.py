"""The stub shop, and a phone to look at it with."""

from collections.abc import Iterator
from threading import Thread

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page

from tests import contract
from tests.storefront.stub_api import StubShop
from tests.storefront.stub_server import serve

HURRY = """
    const later = window.setTimeout;
    window.setTimeout = (work, pause = 0, ...given) =>
        later(work, pause >= 2000 && pause <= 6000 ? pause / 5 : pause, ...given);
"""
"""The pauses after which a page asks again (2 to 6 seconds) are a fifth as long. What it asks and shows is the same."""


@pytest.fixture
def shop() -> Iterator[StubShop]:
    """The stub shop, served. An answer that the API's schema does not allow fails the test."""
    contract.schema()  # once, before several requests want it at the same time
    stub = StubShop()
    server = serve(stub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    with override_settings(ROOT_URLCONF="tests.storefront.urls"):
        thread.start()
        yield stub
        server.shutdown()
        thread.join()
        server.server_close()
    assert not stub.differences, "\n".join(sorted(set(stub.differences)))


@pytest.fixture
def context(browser: Browser, shop: StubShop) -> Iterator[BrowserContext]:
    """A phone of 360 px in English, that has never been here."""
    opened = browser.new_context(base_url=shop.base, viewport={"width": 360, "height": 740}, locale="en-GB")
    opened.set_default_timeout(8000)
    opened.add_init_script(f"(() => {{{HURRY}}})()")
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

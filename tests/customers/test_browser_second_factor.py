"""The second factor as somebody sets it up and uses it, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.customers.staff import BOSS, code_of
from tests.factories import PASSWORD, UserFactory
from tests.sessions_app.tracker.visitor import launched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = 15_000


CODE = "[autocomplete=one-time-code]"


def sign_in(page: Page) -> None:
    page.goto("/admin/login/?next=/admin/second-factor/")
    page.get_by_label("E-mail").fill(BOSS)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def show(page: Page, code: str) -> None:
    """A code, typed where the page waits for it."""
    expect(page.locator(CODE)).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def test_it_is_set_up_asked_for_and_stood_in_for(live_server: LiveServer, chromium_path: str) -> None:
    UserFactory.create(email=BOSS, is_staff=True, is_superuser=True)
    with launched(chromium_path) as browser:
        page = browser.new_context(base_url=live_server.url, locale="en-GB").new_page()
        page.set_default_timeout(PATIENCE_MS)
        sign_in(page)
        secret = page.locator(".ff-key").inner_text().replace(" ", "")
        expect(page.locator(".ff-qr svg")).to_be_visible()
        page.locator(CODE).fill(code_of(secret, -1))
        page.get_by_role("button", name="Switch it on").click()
        expect(page.locator(".ff-codes code")).to_have_count(10)
        codes = page.locator(".ff-codes code").all_inner_texts()
        page.get_by_text("I have kept them").click()
        expect(page.get_by_text("You have 10 recovery codes left")).to_be_visible()

        page.context.clear_cookies()
        sign_in(page)
        show(page, "000000")
        expect(page.get_by_text("This code is not right")).to_be_visible()
        page.locator(CODE).fill(code_of(secret))
        page.keyboard.press("Enter")
        expect(page.get_by_text("You have 10 recovery codes left")).to_be_visible()

        page.context.clear_cookies()
        sign_in(page)
        show(page, codes[0])
        expect(page.get_by_text("You have 9 recovery codes left")).to_be_visible()

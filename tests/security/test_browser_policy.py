"""Chromium goes over the pages of staff and shop: none asks for anything that its Content-Security-Policy refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from billing_sandbox.models import PaySession
from config import headers
from core.clock import now
from customers.models import User
from tests.analytics.staff import let_in, logged_in
from tests.factories import OrderItemFactory, OrderSessionFactory, PaymentAttemptFactory, UserFactory
from tests.security.addresses import addresses as every_address
from tests.sessions_app.tracker.visitor import launched

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ALL = "PROMISE_SECONDS" in os.environ
"""`make promises` goes over every page of the admin, `make test` over one of each kind."""
NO_PAGES = (
    *("/admin/dashboard/", "/admin/logout/", "/admin/jsi18n/", "/admin/autocomplete/", "/admin/search/"),
    "/admin/catalog/product/export/",
)
REPORT = """
    document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`REFUSED ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
"""

WRITE_A_SCRIPT = "document.body.append(Object.assign(document.createElement('script'), { text: 'ran = 1' }))"


@dataclass
class Tab:
    """A tab of a superuser, the addresses that it goes to, and what it was refused there."""

    page: Page
    addresses: list[str]
    refused: list[str] = field(default_factory=list)

    def hear(self, text: str) -> None:
        """What the console says."""
        if "REFUSED" in text or "Content Security Policy" in text:
            self.refused.append(f"{self.page.url}: {text}")


@contextmanager
def staff_at(shop: str, chromium_path: str) -> Iterator[Tab]:
    """Somebody who may see everything, with a browser of their own. Ends before the database is emptied: while
    Playwright runs, Django believes that it is inside an event loop.
    """
    client, addresses = logged_in(superuser()), one_of_each_kind()
    with launched(chromium_path) as browser:
        context = browser.new_context(base_url=shop)
        context.set_default_timeout(15_000)
        context.add_init_script(REPORT)
        let_in(context, client, shop)
        tab = Tab(context.new_page(), addresses)
        tab.page.on("console", lambda said: tab.hear(said.text))
        yield tab
        context.close()


def superuser() -> User:
    user: User = UserFactory.create(is_staff=True, is_superuser=True)
    return user


def one_of_each_kind() -> list[str]:
    """The pages of a shop in which there is something to see; all of the admin's for `make promises`."""
    item = OrderItemFactory.create()
    PaymentAttemptFactory.create(order_session=OrderSessionFactory.create(order=item.order))
    pay = PaySession.objects.create(amount="20.00", currency="GBP", expires_at=now() + timedelta(hours=1))
    return [
        "/admin/",
        "/admin/live/",
        "/admin/orders/order/",
        f"/admin/orders/order/{item.order_id}/change/",
        "/admin/orders/order/by_phone/",
        f"/admin/catalog/product/{item.product_id}/change/",
        "/admin/catalog/product/import/",
        "/admin/customers/user/add/",
        "/admin/django_celery_beat/periodictask/add/",
        "/admin/login/",
        "/api/v1/docs",
        "/shop/",
        "/shop/products/no-such-thing",
        "/shop/checkout",
        "/shop/account/login",
        f"/billing/pay/{pay.pk}",
        "/billing/",
        "/no-such-page",
        *(path for path in every_address() if ALL and path.startswith("/admin/") and not path.startswith(NO_PAGES)),
    ]


def test_no_page_asks_for_what_its_policy_refuses(live_server: LiveServer, chromium_path: str) -> None:
    with staff_at(live_server.url, chromium_path) as tab:
        for address in tab.addresses:
            tab.page.goto(address)
    assert tab.refused == []


def test_control_what_a_policy_refuses_is_noticed_and_does_not_happen(
    live_server: LiveServer, chromium_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staff_at(live_server.url, chromium_path) as tab:
        tab.page.route("**/framing", lambda route: route.fulfill(body="<iframe src=/shop/></iframe>"))
        tab.page.goto("/framing", wait_until="networkidle")
        assert any("frame-ancestors" in text for text in tab.refused)
        for address in ("/admin/login/", "/shop/", "/api/v1/docs"):
            tab.page.goto(address)
            tab.refused.clear()
            tab.page.evaluate(WRITE_A_SCRIPT)
            assert any("script-src" in text for text in tab.refused)
            assert tab.page.evaluate("typeof ran") == "undefined"
        monkeypatch.setitem(headers.BY_AREA, "admin", headers.PAGE)
        tab.page.goto("/admin/")
        assert any("eval" in text for text in tab.refused)

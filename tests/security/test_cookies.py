"""Which cookies the shop sets in production: taken from the answers of a web process, whoever asks and logs in."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from config.check import PRODUCTION
from tests.browsers import CHROME
from tests.customers.staff import boss
from tests.factories import PASSWORD
from tests.promises.processes import environment
from tests.security.addresses import addresses
from tests.security.web import HERE, web

pytestmark = pytest.mark.django_db(transaction=True)
HOST = PRODUCTION["PUBLIC_URL"].removeprefix("https://")
OF_THE_TEST = ("DATABASE_URL", "REDIS_URL", "BILLING_URL")
TOLD = {"BILLING_SANDBOX": "0", "STOREFRONT": "0", "TRUSTED_PROXY_COUNT": "1", "RATE_LIMIT_ALLOWLIST": "203.0.113.0/24"}
SET = {"footfall_login", "csrftoken", "messages", "footfall_device", "footfall_dashboard"} | {
    f"visitor_{name}" for name in ("session", "id", "consent")
}
"""What this walk met when it was written: it finds others by itself, and these show that it went where they are."""
Cookie = Morsel[str]


class Browser:
    """Somebody behind the proxy of a shop in production. Every cookie is noted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.jar: dict[str, str] = {}
        self.given: list[Cookie] = []

    def ask(self, method: str, path: str, body: str = "", kind: str = "application/json") -> tuple[int, str]:
        """Status and text of an answer."""
        headers = {
            "Host": HOST,
            "User-Agent": CHROME,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.9",
            "Referer": f"https://{HOST}/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items()),
            "X-CSRFToken": self.jar.get("__Host-csrftoken", self.jar.get("csrftoken", "")),
            "Content-Type": kind,
        }
        connection = http.client.HTTPConnection(HERE, self.port, timeout=60)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.take(SimpleCookie(line))
        return answer.status, text

    def take(self, cookies: SimpleCookie) -> None:
        self.given += cookies.values()
        self.jar |= {name: morsel.value for name, morsel in cookies.items()}

    def get(self, path: str) -> tuple[int, str]:
        return self.ask("GET", path)

    def send(self, method: str, path: str, **fields: Any) -> None:
        status, text = self.ask(method, f"/api/v1{path}", json.dumps(fields))
        assert status < 300, (path, text)

    def fill_in(self, path: str, **fields: str) -> None:
        """A form of the admin, which leads on when all is well."""
        status, text = self.ask("POST", path, urlencode(fields), "application/x-www-form-urlencoded")
        assert status == 302, (path, status, text)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """Of a shop as it is in production, but for its servers."""
    more = {name: value for name, value in PRODUCTION.items() if name not in OF_THE_TEST}
    with web(tmp_path, environment() | more | TOLD) as shop:
        yield Browser(shop.port)


def walk(browser: Browser) -> None:
    """Every address outside the admin; a visit that says yes and is erased; then staff at work."""
    browser.send("PUT", "/storefront/session/consent", analytics=True)
    for path in addresses():
        if not path.startswith("/admin/"):
            browser.get(path)
    browser.send("DELETE", "/storefront/visitor", orders=False)
    person = boss().user
    browser.get("/admin/login/")
    browser.fill_in("/admin/login/", username=person.email, password=PASSWORD)
    browser.get("/admin/?period=last_7_days")
    browser.fill_in("/admin/analytics/annotation/add/", day="2026-01-02", text="A sale")
    browser.get("/admin/analytics/annotation/")
    browser.fill_in("/admin/dashboard/notes", day="", text="")
    browser.get("/admin/")


def faults(cookie: Cookie) -> list[str]:
    """Where a browser might take this cookie from elsewhere, give it to others, or show it to a script."""
    found = [] if cookie.key.startswith("__Host-") else ["name"]
    found += [] if cookie["secure"] else ["secure"]
    found += (
        [] if cookie["httponly"] or not cookie.value else ["httponly"]
    )  # one that is taken away has nothing to hide
    found += [f"{name}={cookie[name]}" for name, right in (("path", "/"), ("domain", "")) if cookie[name] != right]
    found += [] if cookie["samesite"] == "Lax" else ["samesite"]
    return [fault for fault in found if (cookie.key, fault) != ("__Host-csrftoken", "httponly")]  # scripts read it


def test_in_production_every_cookie_belongs_to_this_host_alone(browser: Browser) -> None:
    walk(browser)
    assert {cookie.key: found for cookie in browser.given if (found := faults(cookie))} == {}
    assert {cookie.key.removeprefix("__Host-") for cookie in browser.given} >= SET


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("footfall_x=1; Secure; HttpOnly; Path=/; SameSite=Lax", "name"),
        ("__Host-x=1; HttpOnly; Path=/; SameSite=Lax", "secure"),
        ("__Host-x=1; Secure; Path=/; SameSite=Lax", "httponly"),
        ("__Host-x=1; Secure; HttpOnly; Path=/admin/; SameSite=Lax", "path=/admin/"),
        ("__Host-x=1; Secure; HttpOnly; Path=/; Domain=example.com; SameSite=Lax", "domain=example.com"),
        ("__Host-x=1; Secure; HttpOnly; Path=/; SameSite=None", "samesite"),
    ],
)
def test_control_a_cookie_that_does_not_is_noticed(line: str, fault: str) -> None:
    (cookie,) = SimpleCookie(line).values()
    assert faults(cookie) == [fault]

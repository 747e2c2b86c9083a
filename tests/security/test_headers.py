"""What browsers are told with every answer, whoever asks: walked over the URL configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.http.response import HttpResponseBase
from django.test import Client

from config.headers import HeadersMiddleware
from tests.browsers import CHROME
from tests.factories import UserFactory
from tests.security.addresses import NOBODY, addresses

REFERENCE = "/api/v1/docs"
UNSUBSCRIBE = "/api/v1/checkout/reminders/unsubscribe/"
SAMPLE = ["/api/v1/orders", "/api/v1/analytics/track", "/api/v1/storefront/products", "/livez", "/admin/", "/shop/"]
"""One of each way that a request goes."""
ALL = "PROMISE_SECONDS" in os.environ
"""`make promises` opens every page of the admin for staff, `make test` those of orders for all its models."""
OF_STAFF = (
    "/admin/orders/order/",
    "/admin/live/",
    "/admin/password",
    "/api/v1/analytics/",
    "/api/v1/ops/",
    "/billing/",
)


@pytest.fixture(autouse=True)
def shop(db: None, settings: LazySettings) -> None:
    """Over HTTPS, as in production."""
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.RATE_LIMIT_ALLOWLIST = settings.METRICS_ALLOWLIST = ["127.0.0.0/8"]


def nobody() -> Client:
    return Client(headers={"user-agent": CHROME})


def customer() -> Client:
    client = nobody()
    client.force_login(UserFactory.create())
    return client


def staff() -> Client:
    client = nobody()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def wrong(client: Client, paths: Iterable[str]) -> list[str]:
    """What the answers at these addresses lack, by address."""
    return [f"{path}: {fault}" for path in paths for fault in faults(path, client.get(path, secure=True))]


def faults(path: str, answer: HttpResponseBase) -> list[str]:
    """What this answer does not say as it should."""
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin" if path in ("/tracker.js", SAMPLE[1]) else "same-origin",
    }
    if path.startswith(("/api/", "/admin/")) and path != REFERENCE:
        expected["Cache-Control"] = "no-store"
    if "text/html" in answer.get("Content-Type", ""):
        expected |= {"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}
        expected |= {"Referrer-Policy": "no-referrer" if path.startswith(UNSUBSCRIBE) else "strict-origin"}
    if path not in ("/livez", "/readyz", "/metrics"):  # asked for over plain HTTP, by no browser
        expected["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    found = [f"{name}: {answer.get(name)}" for name, value in expected.items() if value not in answer.get(name, "")]
    return found + policy_faults(path, answer.get("Content-Security-Policy", ""))


def policy_faults(path: str, policy: str) -> list[str]:
    """Where a Content-Security-Policy allows more than it has to."""
    rules = {name: sources.split() for name, _, sources in (rule.partition(" ") for rule in policy.split("; "))}
    usual = rules.get("default-src", ["*"])
    found = [f"{name} {rules.get(name)}" for name in ("base-uri", "frame-ancestors") if rules.get(name) != ["'none'"]]
    if rules.get("object-src", usual) != ["'none'"]:
        found.append("object-src")
    if not path.startswith("/billing/") and rules.get("form-action") not in (["'self'"], ["'none'"]):
        found.append("form-action")
    eval_too = ["'unsafe-eval'"] if path.startswith("/admin/") else []
    if rules.get("script-src", usual) not in (["'none'"], ["'self'", *eval_too]):
        found.append(f"script-src {rules.get('script-src')}")
    styled = path.startswith(("/admin/", UNSUBSCRIBE)) or path == REFERENCE
    if "'unsafe-inline'" in rules.get("style-src", []) and not styled:
        found.append("style-src")
    return found


def test_every_address_defends_the_browser_of_nobody() -> None:
    assert wrong(nobody(), addresses()) == []


def test_every_address_for_customers_defends_theirs() -> None:
    assert wrong(customer(), [path for path in addresses() if not path.startswith("/admin/")]) == []


def test_every_address_for_staff_defends_theirs() -> None:
    assert wrong(staff(), [path for path in addresses() if ALL or path.startswith(OF_STAFF)]) == []


def test_control_without_the_middleware_each_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeadersMiddleware, "__call__", lambda self, request: self.get_response(request))
    found = wrong(nobody(), SAMPLE)
    assert {line.partition(":")[0] for line in found} == set(SAMPLE)


def test_control_a_route_that_lets_anybody_keep_its_answer_is_noticed() -> None:
    answer = nobody().get("/api/v1/orders", secure=True)
    answer["Cache-Control"] = "max-age=60"
    assert faults("/api/v1/orders", answer) == ["Cache-Control: max-age=60"]


def test_the_walk_finds_what_is_asked_for() -> None:
    assert {*SAMPLE, REFERENCE, f"/api/v1/orders/{NOBODY}", "/admin/orders/order/7/refund/"} <= set(addresses())


@pytest.mark.parametrize("path", ["/no-such-page", "/api/v1/no-such-call", "/admin/no-such-page"])
def test_a_refusal_says_the_same(path: str) -> None:
    assert wrong(nobody(), [path]) == []


def test_a_host_that_is_not_ours_is_refused_with_them(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    answer = Client().get("/shop/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert policy_faults("/shop/", answer["Content-Security-Policy"]) == []


@pytest.mark.parametrize("name", ["storefront/products/mug.svg", "admin/footfall.css"])
def test_files_may_be_shown_by_other_origins_and_run_nothing(name: str) -> None:
    assert finders.find(name)
    answer = Client().get(f"/static/{name}")
    answer.close()
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_view_that_says_something_itself_keeps_it() -> None:
    answer = Client().get(UNSUBSCRIBE + "cut-off")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "style-src 'unsafe-inline'" in answer["Content-Security-Policy"]


def test_no_address_echoes_a_trace() -> None:
    client = nobody()
    answers = {path: client.trace(path, secure=True, headers={"x-mine": "an-echo"}) for path in addresses()}
    bodies = {path: b"".join(answer) for path, answer in answers.items()}
    assert [path for path, body in bodies.items() if b"an-echo" in body] == []


@pytest.mark.parametrize(
    "path", ["/static/", "/static/admin/", "/static/storefront/js", "/media/", "/.git/config", "/.env"]
)
def test_no_folder_is_listed(path: str) -> None:
    assert nobody().get(path, secure=True).status_code == 404

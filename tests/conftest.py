"""What every test stands on: an empty Redis, no breaker left open by the test before, a Chromium that is found."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from playwright.sync_api import Browser, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from core import clock
from core import redis as core_redis
from core.postgresql.doubts import doubts
from orders.providers import waiting
from sessions_app import channel_rules, months
from sessions_app.salts import salt_of
from tests import logs, one_slot
from tests.billing_server import BillingService, billing_service
from tests.emptying import empty_tables, filled_tables
from tests.stripe_server import Stripe, stripe_service
from tests.template import template
from tests.world import Shopper, World, wide_pool

# Passwords of tests are no secrets: the shop's own hash takes as long as a whole test.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1
TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined] # sooner than Django's own
one_slot.watch()
logs.watch()

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
WITHOUT_WINDOWS = "chromium-headless-shell"
"""Takes half the time of a whole one."""
NOT_RUN = re.compile(r"NOT RUN: ([^'\"]+)")
"""A test that a missing program left out, and which."""
LONG = (
    *("test_browser", "test_demo", "test_independent", "test_machine", "tests/upgrades/", "test_races"),
    *(
        "test_consent_storage",
        "test_endings",
        "test_integrity",
        "test_returning",
        "test_simulate_traffic",
        "test_stripe",
        "test_webhook_orders",
        "test_whole_shop",
        "_guide",
        "tests/promises/",
        "tests/deploy/test_nginx",
        "tests/faults/",
        "tests/security/",
    ),
)
"""Files that take longest. They come first: one that came last would have the other worker wait."""


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The database of each worker begins as a copy."""
    connection.settings_dict["TEST"]["TEMPLATE"] = template()


@pytest.fixture(autouse=True, scope="module")
def nothing_left(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """No file leaves rows behind: the next one would find them, or be blamed for them."""
    with django_db_blocker.unblock():
        before = filled_tables() if is_made() else None
    yield
    with django_db_blocker.unblock():
        assert before is None or filled_tables() <= before


def is_made() -> bool:
    """Whether this worker's database is there already: with the first test that asks for it."""
    return str(connection.settings_dict["NAME"]).startswith("test_")


@pytest.fixture(autouse=True)
def fresh_redis() -> Iterator[None]:
    """Each test has this worker's Redis database for itself, empty."""
    core_redis.breaker.closed_after, core_redis.breaker.was_away = 0.0, False
    core_redis.client().flushdb()
    doubts.end()
    cache.clear()
    salt_of.cache_clear()
    channel_rules.book.forget()
    months.known.clear()
    yield
    core_redis.breaker.closed_after = 0.0


@pytest.fixture(autouse=True)
def discreet_logs() -> Iterator[None]:
    """Nobody's address, name or secret is logged, whatever the test is about."""
    with logs.collected() as collector:
        yield
    assert logs.leaks(collector.lines) == []


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All that is logged from here on, whatever its level."""
    caplog.set_level("DEBUG")
    with logs.collected() as collector:
        yield collector.lines


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    """A test that moves the clock is believed: PostgreSQL is not asked what time it is."""
    usual, clock.shared.every = clock.shared.every, float("inf")
    clock.shared.forget()
    clock.shared.is_due()
    yield
    clock.shared.every = usual


@pytest.fixture
def billing(settings: LazySettings) -> Iterator[BillingService]:
    """A billing service that behaves until it is told not to."""
    with billing_service(settings) as service:
        yield service


@pytest.fixture
def stripe(settings: LazySettings) -> Iterator[Stripe]:
    """A Stripe that behaves until it is told not to; new orders are paid there."""
    with stripe_service(settings) as service:
        yield service


@pytest.fixture
def world() -> World:
    """Products, shipping and tax; ask for a database first."""
    return World()


@pytest.fixture
def shopper() -> Shopper:
    """Somebody with a browser."""
    return Shopper()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of this process's threads wait for billing as there are, however slow the machine."""
    monkeypatch.setattr(waiting, "LONG", 1_000)


@pytest.fixture
def crowd(patient: None) -> Iterator[None]:
    """Room for many threads at the database, and at billing."""
    with wide_pool(30):
        yield


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium, the quickest that there is."""
    return chromium(WITHOUT_WINDOWS, *CHROMIUMS)


@pytest.fixture(scope="session")
def whole_chromium_path() -> str:
    """One that keeps the pages that were left (the back/forward cache)."""
    return chromium(*CHROMIUMS)


def chromium(*names: str) -> str:
    """The one that CHROMIUM names, else the first in its usual place. Without any the tests are not run."""
    usual = [f"/usr/bin/{name}" for name in names]
    places = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else usual
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At random within those that are long, and then within the others."""
    items.sort(key=lambda item: not any(name in item.nodeid.partition("::")[0] for name in LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what a missing program left out: a skipped test is easily overlooked."""
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    not_run = Counter(found[1] for reason in reasons if (found := NOT_RUN.search(reason)))
    if not_run:
        terminalreporter.section("TESTS NOT RUN", sep="!", red=True, bold=True)
    for reason, tests in not_run.items():
        terminalreporter.line(f"{tests} tests: {reason}")

"""Somebody tries passwords on a member of staff, at every door, from ever other addresses, Redis here or away.

`make promises` makes a thousand guesses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle

import pytest
from django.conf import LazySettings

from core.limits import counting
from customers.services import staff_login
from tests.core.limited import limit
from tests.customers.staff import BOSS, LOGIN, boss, browser, passwords_compared
from tests.redis_server import ask_again, own_redis

pytestmark = pytest.mark.django_db(transaction=True)
GUESSES = 1000 if os.environ.get("PROMISE_SECONDS") else 60
AN_HOUR = 10
SPELLINGS = cycle([BOSS, BOSS.upper(), f" {BOSS}", "Boss@Example.com"])
Verified = list[str]


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Verified:
    """The passwords that were compared with a stored one."""
    return passwords_compared(monkeypatch)


@pytest.fixture(autouse=True)
def shop(settings: LazySettings) -> None:
    """Nobody is spared the limits; behind a proxy that says whose address it is."""
    limit(settings)
    settings.TRUSTED_PROXY_COUNT = 1


def addresses() -> Iterator[str]:
    """Another one each time."""
    return (f"198.{18 + place // 62500}.{place // 250 % 250}.{place % 250 + 1}" for place in range(10**6))


def guess(number: int, froms: Iterator[str]) -> set[int]:
    """So many guesses, at the door of staff and at the shop's; the states of the answers."""
    states = set()
    for place in range(number):
        who = browser()
        who.defaults["HTTP_X_FORWARDED_FOR"] = f"203.0.113.7, {next(froms)}"
        email, password = next(SPELLINGS), f"wrong-{place}"
        if place % 3:
            states.add(who.post(LOGIN, {"username": email, "password": password}).status_code)
        else:
            body = {"email": email.strip(), "password": password}
            path = "/api/v1/storefront/auth/login"
            states.add(who.post(path, body, content_type="application/json").status_code)
    return states


def test_ten_passwords_an_hour_are_tried_on_an_account_however_many_come(verified: Verified) -> None:
    boss()
    assert guess(GUESSES, addresses()) == {200, 401, 429}
    assert len(verified) == AN_HOUR


def test_and_not_one_more_while_redis_comes_and_goes(verified: Verified, settings: LazySettings) -> None:
    boss()
    froms = addresses()
    with own_redis(settings) as server:
        guess(6, froms)
        server.kill()
        guess(12, froms)
        server.start()
        ask_again()
        guess(GUESSES // 4, froms)
    assert len(verified) == AN_HOUR


def test_control_counted_as_other_limits_are_an_outage_gives_more(
    verified: Verified, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "KEPT_IN_POSTGRESQL", frozenset())
    monkeypatch.setattr(counting, "KEPT_WITHOUT_REDIS", frozenset({"staff_login"}))
    boss()
    froms = addresses()
    with own_redis(settings) as server:
        guess(18, froms)
        server.kill()
        guess(18, froms)
    assert len(verified) == 2 * AN_HOUR


def test_control_without_the_count_each_is_tried(verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_login, "count_guess", lambda *_counted: None)
    boss()
    guess(24, addresses())
    assert len(verified) == 16

"""Every address outside the admin, by every method, asked by everybody whose it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection, reset_queries
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import PermissionDenied

from analytics.api import StatsView
from core.errors import NotFoundError
from orders import api, selectors
from orders.models import Order
from sessions_app.tokens import SESSION_COOKIE, VISITOR_COOKIE
from tests.billing_server import BillingService
from tests.promises.processes import LONG
from tests.security.actors import CUSTOMER, ELSEWHERE, GUEST, NOBODY, OTHER_STAFF, Actor, actors
from tests.security.api_rules import API, ONCE, RULES, Rule
from tests.security.routes import METHODS, Route, routes
from tests.security.things import Owner, Things
from tests.world import World

pytestmark = pytest.mark.django_db
VALUES = re.compile(r"'[^']*'|\b\d+\b|savepoint\s\S+|\"s\d+_\w+\"", re.IGNORECASE)
REQUEST_ID = re.compile(r'"requestId": ?"[^"]*"')
OWN_HEADERS = ("Set-Cookie", "X-Request-ID", "Content-Length")
WITHOUT_BODY = ("get", "head", "options", "trace")
GROWN = "tests.security.grown_urls"


@pytest.fixture(autouse=True)
def so_many_may_ask(settings: LazySettings) -> None:
    settings.RATE_LIMIT_ALLOWLIST = [ELSEWHERE, "127.0.0.1"]


@pytest.fixture
def owner(world: World, billing: BillingService) -> Owner:
    return Owner(world)


@pytest.fixture
def everyone(owner: Owner, world: World) -> dict[str, Actor]:
    return actors(world)


def outside(urls: str | None = None) -> list[Route]:
    return [route for route in routes(urls) if not route.is_of_admin]


def lacking(urls: str | None = None) -> set[str]:
    return {route.path for route in outside(urls)} - RULES.keys()


def asked(actor: Actor, method: str, route: Route, rule: Rule, things: Things) -> Any:
    body = None if method in WITHOUT_BODY else rule.body(things.values)
    return actor.ask(method, route.filled(things.values), body, **{"x-request-id": "the-same"})


def text_of(answer: Any) -> str:
    """Status, headers and body, but for what is the asker's own."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = {name: value for name, value in answer.headers.items() if name not in OWN_HEADERS}
    return f"{answer.status_code} {headers} {REQUEST_ID.sub('', body.decode(errors='replace'))}"


def methods_of(rule: Rule) -> list[str]:
    """Those that mean something there, and the usual ones; in the long run all."""
    return [method for method in METHODS if LONG or method in ("get", "post") or method in rule.meant]


def requests_of(actor: Actor, below: str) -> Iterator[tuple[Route, str, Rule]]:
    """What the actor asks; staff, in the short run, what is not for everybody."""
    for route in outside():
        if not route.path.startswith(below) or (actor.name != NOBODY and route.path.startswith(ONCE)):
            continue
        rule = RULES.get(route.path)
        if rule and (LONG or rule.hidden or rule.refused or actor.name in (NOBODY, GUEST, CUSTOMER)):
            yield from ((route, method, rule) for method in methods_of(rule))


def faults(actor: Actor, things: Things, below: str = "/") -> list[str]:
    """Where the actor is answered otherwise than the rule says, or something of somebody else."""
    found = []
    for route, method, rule in requests_of(actor, below):
        with actor.lacking([rule.permission] if rule.permission else []):
            answer = asked(actor, method, route, rule, things)
        wanted = rule.status(actor.name, method)
        if answer.status_code != wanted:
            found.append(f"{method.upper()} {route.path}: {answer.status_code} instead of {wanted}")
        if shown := things.marks_in(text_of(answer)):
            found.append(f"{method.upper()} {route.path} shows {sorted(shown)}")
        if rule.permission and answer.cookies.keys() & {SESSION_COOKIE, VISITOR_COOKIE}:
            found.append(f"{method.upper()} {route.path} begins a visit of staff")
    return found


def hidden() -> list[tuple[Route, str, Rule]]:
    """What is asked of somebody's thing."""
    rules = [(route, RULES[route.path]) for route in outside() if route.path in RULES]
    return [(route, method, rule) for route, rule in rules for method in sorted(rule.hidden & rule.meant)]


def seen(ask: Callable[[], Any]) -> tuple[str, list[str]]:
    """All that an asker can see or measure: the answer, and what was asked of the database for it."""
    reset_queries()  # Django keeps the last 9,000, and many askers ask more
    with CaptureQueriesContext(connection) as captured:
        answer = ask()
    return text_of(answer), [VALUES.sub("?", query["sql"]) for query in captured]


def differ(ask: Callable[[], Any], other: Callable[[], Any]) -> bool:
    """Whether two askers see something else. Twice: one request in ten seconds asks for the time besides."""
    return all(seen(ask) != seen(other) for _time in range(2))


def differences(actor: Actor, things: Things) -> list[str]:
    """Where somebody else's thing is answered otherwise than one that does not exist."""
    ask = partial(asked, actor)
    nowhere = things.nowhere()
    return [
        f"{method.upper()} {route.path}"
        for route, method, rule in hidden()
        if differ(partial(ask, method, route, rule, things), partial(ask, method, route, rule, nowhere))
    ]


def test_every_address_has_a_rule() -> None:
    missing = sorted(lacking())
    assert not missing, f"say in RULES of tests/security/api_rules.py who may ask for {', '.join(missing)}"


def test_every_rule_has_an_address() -> None:
    assert RULES.keys() - {route.path for route in outside()} == set()


def test_the_control_a_new_address_is_missed() -> None:
    assert lacking(GROWN) == {f"{API}/orders/<order_id>/gift"}


def test_others_are_answered_as_the_rule_says_and_see_nothing(everyone: dict[str, Actor], owner: Owner) -> None:
    things = owner.things()
    found = [f"{name}: {fault}" for name, actor in everyone.items() for fault in faults(actor, things)]
    assert not found, "\n".join(found)


def test_somebody_elses_thing_is_answered_like_none_and_costs_the_same(
    everyone: dict[str, Actor], owner: Owner
) -> None:
    things = owner.things()
    assert [f"{name}: {what}" for name, actor in everyone.items() for what in differences(actor, things)] == []


def test_the_control_to_its_owner_everything_is_there(owner: Owner) -> None:
    """Else a test that asks for something wrong would pass."""
    mark = Actor("owner", owner.client, {"x-csrftoken": owner.csrf})
    things = owner.things()
    answers = {
        f"{method.upper()} {route.path}": asked(mark, method, route, rule, things).status_code
        for route, method, rule in hidden()
        if "unsubscribe" not in route.path  # a signed link alone opens it
    }
    assert not [asked for asked, status in answers.items() if status in (401, 403, 404, 405)], answers


def test_the_control_an_order_for_everybody_is_found(
    everyone: dict[str, Actor], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "may_read", lambda order, reader: True)
    found = faults(everyone[GUEST], owner.things(), f"{API}/orders/<order_id>")
    assert f"GET {API}/orders/<order_id>: 200 instead of 404" in found
    assert any(f"GET {API}/orders/<order_id> shows" in fault for fault in found)


def test_the_control_a_view_without_its_permission_is_found(
    everyone: dict[str, Actor], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StatsView, "permission_classes", [])
    found = faults(everyone[OTHER_STAFF], owner.things(), f"{API}/analytics/realtime")
    assert f"GET {API}/analytics/realtime: 200 instead of 403" in found


def test_the_control_a_refusal_that_tells_of_the_order_is_found(
    everyone: dict[str, Actor], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telling(*, order_id: UUID, reader: selectors.Reader) -> Order:
        raise PermissionDenied if Order.objects.filter(pk=order_id).exists() else NotFoundError

    monkeypatch.setattr(api, "find_order", telling)
    assert f"POST {API}/orders/<order_id>/cancel" in differences(everyone[GUEST], owner.things())

"""Every page of the admin, asked by everybody who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.db import models
from django.test import RequestFactory

from core.admin import Screen
from customers.models import Customer
from orders.models import Order
from sessions_app.models import VisitorSession
from tests.billing_server import BillingService
from tests.factories import UserFactory
from tests.promises.processes import LONG
from tests.security.actors import CUSTOMER, GUEST, NOBODY, OTHER_STAFF, STAFF, Actor, actors
from tests.security.admin_rules import DOORS, Door, doors, lacking
from tests.security.records import label, records
from tests.security.routes import METHODS, Route, routes
from tests.security.test_matrix_api import GROWN, differ, text_of
from tests.security.things import Owner
from tests.world import World

pytestmark = pytest.mark.django_db
NO_STAFF = (NOBODY, GUEST, CUSTOMER) if LONG else (NOBODY, CUSTOMER)
LED = re.compile(r"/admin/(login/.*)?$")
NOT_NOW = {
    *("ship", "track", "deliver", "withhold", "refund", "refund_money", "accept_money", "dismiss", "process"),
    *("enable", "unmute_kind", "revoke", "products", "reset_factor"),
}
"""Buttons that are not offered for the records of these tests, as they are."""


@pytest.fixture
def owner(world: World, billing: BillingService) -> Owner:
    return Owner(world)


@pytest.fixture
def keys(owner: Owner) -> dict[str, str]:
    return records(owner)


@pytest.fixture
def everyone(keys: dict[str, str], world: World) -> dict[str, Actor]:
    return actors(world)


class Pages:
    """The admin's pages, each about a record of its model, or about none."""

    def __init__(self, keys: dict[str, str], owner: Owner) -> None:
        self.keys, self.things = keys, owner.things()
        self.screens = {f"/admin/{label(model).replace('.', '/')}/": model for model in admin.site._registry}

    def values(self, route: Route, *, there: bool) -> dict[str, Any]:
        """What stands in its address."""
        model = next((model for below, model in self.screens.items() if route.path.startswith(below)), None)
        key = self.keys[label(model or Order)] if there else nothing_at(model or Order)
        of_orders = ContentType.objects.get_for_model(Order).pk
        other = {"app_label": "core", "url": "nowhere", "content_type_id": of_orders, "name": "cards"}
        visitor = {"visitor_id": VisitorSession.objects.earliest("started_at").visitor_id if there else uuid4()}
        order = {"order_id": self.things.values["order_id"] if there else uuid4()}
        return other | visitor | order | {"object_id": key, "id": key}

    def asked(self, actor: Actor, method: str, route: Route, *, there: bool = True) -> Any:
        return actor.ask(method, route.filled(self.values(route, there=there)))


def nothing_at(model: type[models.Model]) -> str:
    """A key as the model has them, of no row."""
    match model._meta.pk:
        case models.UUIDField():
            return str(uuid4())
        case models.DateTimeField():
            return "1999-01-01 00_3A00_3A00+00_3A00"
        case models.DateField():
            return "1999-01-01"
    return "987654321"


def inside() -> Iterator[tuple[Route, Door]]:
    known = doors()
    yield from ((route, known[route.path]) for route in routes() if route.is_of_admin and route.path in known)


def methods_of(door: Door, *, only: int | None = None) -> tuple[str, ...]:
    """What the page is asked by; in the short run `only` the one in that place."""
    usual = METHODS if LONG and len(door.methods) > 1 else door.methods
    return usual if LONG or only is None else (usual[only],)


def is_asked(route: Route) -> bool:
    """Of the pages that the admin itself makes for each model the short run asks those of a record."""
    return LONG or route.path in DOORS or route.path.endswith(("/change/", "/history/"))


def refusals(actor: Actor, pages: Pages, below: str) -> Iterator[tuple[str, Any]]:
    """What the actor, who lacks what each page needs, is answered."""
    asking = [(need, route, door) for route, door in inside() for need in door.needs if route.path.startswith(below)]
    for need, pages_of_it in groupby(sorted(asking, key=itemgetter(0)), key=itemgetter(0)):
        with actor.lacking(need.split("|")):
            for _need, route, door in pages_of_it:
                for method in methods_of(door, only=None if route.path in DOORS else -1):
                    yield f"{method.upper()} {route.path} without {need}", pages.asked(actor, method, route)


def wrongly_let_in(actor: Actor, pages: Pages, below: str = "/") -> list[str]:
    found = []
    for what, answer in refusals(actor, pages, below):
        if answer.status_code != 403:
            found.append(f"{what}: {answer.status_code} instead of 403")
        if shown := pages.things.marks_in(text_of(answer)):
            found.append(f"{what} shows {sorted(shown)}")
    return found


def telling(actor: Actor, pages: Pages, below: str = "/") -> list[str]:
    """Where a refusal tells whether there is such a record: by the answer, or by what it costs."""
    return [
        f"{method.upper()} {route.path}"
        for route, door in inside()
        if "<" in route.path and is_asked(route) and is_refused(actor, door) and route.path.startswith(below)
        for method in methods_of(door, only=0)
        if tells(actor, pages, method, route, door)
    ]


def is_refused(actor: Actor, door: Door) -> bool:
    """Whether somebody who lacks what it needs is; what needs nothing, and is refused, is so to staff without any."""
    return bool(door.needs) or (door.open_to_staff == 404 and actor.able is None)


def tells(actor: Actor, pages: Pages, method: str, route: Route, door: Door) -> bool:
    """Whether a refusal is another one, or is another amount of work, than if there were no such record."""
    there, nowhere = (route.filled(pages.values(route, there=there)) for there in (True, False))
    with actor.lacking([name for need in door.needs for name in need.split("|")]):
        return differ(partial(actor.ask, method, there), partial(actor.ask, method, nowhere))


def test_every_page_has_a_rule() -> None:
    missing = sorted(lacking(routes()))
    assert not missing, f"say in DOORS of tests/security/admin_rules.py who may open {', '.join(missing)}"


def test_every_rule_has_a_page() -> None:
    assert DOORS.keys() - {route.path for route in routes()} == set()


def test_the_control_a_new_page_is_missed() -> None:
    assert lacking(routes(GROWN)) == {"/admin/secrets/"}


def not_led_to_the_login(actor: Actor, pages: Pages, below: str = "/") -> list[str]:
    """Where somebody who is no staff is answered otherwise."""
    found = []
    for route, door in inside():
        once = actor.name == NOBODY and route.path not in DOORS
        asked = door.login and (once or is_asked(route)) and route.path.startswith(below)
        for method in methods_of(door, only=0 if once else None) if asked else ():
            answer = pages.asked(actor, method, route)
            if answer.status_code != 302 or not LED.match(answer["Location"]) or pages.things.marks_in(text_of(answer)):
                found.append(f"{method.upper()} {route.path}: {answer.status_code}")
    return found


@pytest.mark.parametrize("name", NO_STAFF)
def test_who_is_no_staff_is_led_to_the_login(name: str, everyone: dict[str, Actor], keys: Any, owner: Owner) -> None:
    found = not_led_to_the_login(everyone[name], Pages(keys, owner))
    assert not found, "\n".join(found)


def test_the_control_an_admin_that_lets_anybody_in_is_found(
    everyone: dict[str, Actor], keys: Any, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(admin.site), "has_permission", lambda self, request: True)
    found = not_led_to_the_login(everyone[CUSTOMER], Pages(keys, owner), "/admin/second-factor/")
    assert found == ["GET /admin/second-factor/: 200"]


@pytest.mark.parametrize("name", [STAFF, OTHER_STAFF] if LONG else [OTHER_STAFF])
def test_staff_without_the_permission_are_refused_and_see_nothing(
    name: str, everyone: dict[str, Actor], keys: Any, owner: Owner
) -> None:
    found = wrongly_let_in(everyone[name], Pages(keys, owner))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [STAFF, OTHER_STAFF])
def test_a_refusal_does_not_tell_whether_there_is_such_a_record(
    name: str, everyone: dict[str, Actor], keys: Any, owner: Owner
) -> None:
    assert telling(everyone[name], Pages(keys, owner)) == []


def test_what_needs_no_permission_tells_nothing_of_the_shop(
    everyone: dict[str, Actor], keys: Any, owner: Owner
) -> None:
    pages, found = Pages(keys, owner), []
    for route, door in inside():
        for method in door.methods if not door.needs else ():
            answer = pages.asked(everyone[STAFF], method, route)
            if answer.status_code != door.open_to_staff or pages.things.marks_in(text_of(answer)):
                found.append(f"{method.upper()} {route.path}: {answer.status_code} instead of {door.open_to_staff}")
    assert not found, "\n".join(found)


def test_the_control_who_may_gets_in(everyone: dict[str, Actor], keys: Any, owner: Owner) -> None:
    pages, found = Pages(keys, owner), []
    for route, door in inside():
        if route.path in DOORS and door.needs and route.path.rstrip("/").rpartition("/")[2] not in NOT_NOW:
            method = door.methods[0]
            answer = pages.asked(everyone[OTHER_STAFF], method, route)
            if answer.status_code not in (200, 302):
                found.append(f"{method.upper()} {route.path}: {answer.status_code}")
    assert not found, "\n".join(found)


def test_the_control_a_screen_that_asks_nobody_is_found(
    everyone: dict[str, Actor], keys: Any, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Screen, "has_view_permission", lambda *_whoever: True)
    found = wrongly_let_in(everyone[STAFF], Pages(keys, owner), "/admin/customers/customer/")
    assert any(fault.startswith("POST /admin/customers/customer/ ") for fault in found)


def test_the_control_a_page_that_looks_for_the_record_first_is_found(
    everyone: dict[str, Actor], keys: Any, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Django's own does."""
    monkeypatch.delattr(Screen, "changeform_view")
    below = "/admin/orders/order/<object_id>/change/"
    methods = METHODS if LONG else ["get"]
    assert telling(everyone[STAFF], Pages(keys, owner), below) == [f"{method.upper()} {below}" for method in methods]


def test_the_control_django_tells_by_a_page_of_history(owner: Owner) -> None:
    """Its own view, which ours stands before."""
    request = RequestFactory().get("/")
    request.user = UserFactory.create(is_staff=True)
    vars(request)["_messages"] = CookieStorage(request)
    screen = admin.site.get_model_admin(Customer)
    with pytest.raises(PermissionDenied):
        admin.ModelAdmin.history_view(screen, request, str(owner.customer.pk))
    assert admin.ModelAdmin.history_view(screen, request, str(uuid4())).status_code == 302

"""Staff who may look and not touch: no form, button or address changes anything for them; for nobody does a GET."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory

from core.admin import Screen
from core.admin.schedules import ScheduledJobAdmin
from customers.models import User
from tests.billing_server import BillingService
from tests.factories import UserFactory
from tests.promises.processes import LONG
from tests.security.actors import Actor, member_of_staff, permissions
from tests.security.admin_rules import DOORS, LIST_ACTIONS
from tests.security.records import PAGELESS, label, records
from tests.security.things import Owner
from tests.stored import rows_of
from tests.world import World

pytestmark = pytest.mark.django_db
OF_ITSELF = ("django_session", "customers_user", "customers_user_user_permissions")
"""Tables that a login changes, and what is lent and taken here."""
OWN_ALONE = {"customers.apitoken"}
"""Of these everybody sees their own."""
ABOUT_PEOPLE = {
    *("core.mail", "customers.customer", "customers.address", "customers.user"),
    *("sessions_app.visitorsession", "sessions_app.sessionevent", "sessions_app.deadletter"),
    *("orders.order", "orders.orderstatuschange", "orders.outboxevent", "orders.ordersession"),
    *("orders.paymentattempt", "orders.refund"),
    *("checkout.couponuse", "checkout.checkoutsession", "checkout.idempotencykey", "checkout.abandonedcheckout"),
    "checkout.reminderaddress",
}
"""Models whose pages may name somebody, an order's number or a visit's page."""
CONFIRMED = {"_form_submitted": "True", "reason": "because", "minutes": "30", "how_long": "24", "what": "whole"}


@pytest.fixture
def keys(world: World, billing: BillingService) -> dict[str, str]:
    return records(Owner(world))


@pytest.fixture
def viewer() -> User:
    """May see everything."""
    user = UserFactory.create(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def screens() -> list[Any]:
    return [screen for model, screen in admin.site._registry.items() if label(model) not in PAGELESS]


def below(screen: Any) -> str:
    return f"/admin/{label(screen.model).replace('.', '/')}/"


def actions_of(screen: Any, user: User) -> set[str]:
    """What a list offers to somebody to do with the rows that are ticked."""
    request = RequestFactory().get("/")
    request.user = user
    return set(screen.get_actions(request))


def everything() -> dict[str, str]:
    """All rows, but for what a look itself leaves behind."""
    return {table: rows for table, rows in rows_of("").items() if table not in OF_ITSELF}


def changed(before: dict[str, str]) -> list[str]:
    now = everything()
    return [table for table, rows in now.items() if rows != before[table]]


def buttons(keys: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The address of each button of a record, and what one needs for it."""
    for path, door in DOORS.items():
        app, model = [*path.split("/"), "", ""][2:4]
        if "<object_id>" in path and f"{app}.{model}" in keys:
            yield (
                path.replace("<object_id>", keys[f"{app}.{model}"]),
                [n for need in door.needs for n in need.split("|")],
            )


def ticked(client: Client, screen: Any, name: str, key: str) -> Any:
    fields = {"action": name, "_selected_action": [key], "index": "0", "select_across": "0", "post": "yes"}
    return client.post(below(screen), fields)


def test_who_may_only_look_is_shown_no_form(keys: dict[str, str], viewer: User) -> None:
    client, found = logged_in(viewer), []
    for screen in screens():
        if label(screen.model) in OWN_ALONE:
            continue
        page = client.get(f"{below(screen)}{keys[label(screen.model)]}/change/")
        if page.status_code != 200 or b'name="_save"' in page.content or b'name="_continue"' in page.content:
            found.append(f"{label(screen.model)}: {page.status_code}")
    assert found == []


def test_who_may_only_look_writes_nothing_by_a_form(keys: dict[str, str], viewer: User) -> None:
    client, before = logged_in(viewer), everything()
    for screen in screens():
        key = keys[label(screen.model)]
        for page in ("add/", f"{key}/change/", f"{key}/delete/"):
            answer = client.post(below(screen) + page, {"post": "yes", "name": "x", "email": "x@example.com"})
            assert answer.status_code == 403, below(screen) + page
    assert changed(before) == []


def test_who_may_only_look_is_offered_nothing_to_do(keys: dict[str, str], viewer: User) -> None:
    assert {label(screen.model): actions for screen in screens() if (actions := actions_of(screen, viewer))} == {}


def test_every_action_of_a_list_has_a_rule(viewer: User) -> None:
    boss = UserFactory.create(is_staff=True, is_superuser=True)
    found = {name for screen in screens() for name in actions_of(screen, boss)}
    assert found == LIST_ACTIONS.keys(), "say in LIST_ACTIONS of tests/security/admin_rules.py who may"


def test_an_action_of_a_list_needs_its_permission(keys: dict[str, str]) -> None:
    boss = UserFactory.create(is_staff=True, is_superuser=True)
    user = member_of_staff()
    actor, before = Actor("staff", logged_in(user), able=user), everything()
    for screen in screens():
        opts = screen.model._meta
        for name in actions_of(screen, boss):
            needed = LIST_ACTIONS[name] or f"{opts.app_label}.delete_{opts.model_name}"
            with actor.lacking([needed]):
                assert name not in actions_of(screen, User.objects.get(pk=user.pk)), (label(screen.model), name)
                ticked(actor.client, screen, name, keys[label(screen.model)])
    assert changed(before) == []


def test_a_button_of_a_record_needs_its_permission(keys: dict[str, str]) -> None:
    user = member_of_staff()
    actor, before = Actor("staff", logged_in(user), able=user), everything()
    for path, needs in buttons(keys):
        with actor.lacking(needs):
            answers = [actor.client.get(path), actor.client.post(path, CONFIRMED)]
        assert [answer.status_code for answer in answers] == [403, 403], path
    assert changed(before) == []


def test_no_get_changes_anything_even_for_those_who_may_all(keys: dict[str, str]) -> None:
    boss = UserFactory.create(is_staff=True, is_superuser=True)
    client, before = logged_in(boss), everything()
    for path, _needs in buttons(keys):
        client.get(path, CONFIRMED)
    for screen in screens():
        for name in actions_of(screen, boss):
            client.get(below(screen), {"action": name, "_selected_action": keys[label(screen.model)]})
    assert changed(before) == []


def test_the_control_sent_by_post_the_same_changes_something(keys: dict[str, str]) -> None:
    client, before = logged_in(UserFactory.create(is_staff=True, is_superuser=True)), everything()
    client.post(f"/admin/orders/order/{keys['orders.order']}/extend/", CONFIRMED)
    assert "orders_ordersession" in changed(before)


def test_the_control_an_action_that_asks_for_nothing_is_found(
    keys: dict[str, str], viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.delattr(ScheduledJobAdmin.disable_tasks, "allowed_permissions")
    screen = next(screen for screen in screens() if isinstance(screen, ScheduledJobAdmin))
    assert "disable_tasks" in actions_of(screen, viewer)


def hidden_columns() -> list[tuple[Any, str]]:
    """Columns that open something."""
    names = ("secret", "password", "token", "hash", "salt")
    return [
        (screen, field.name)
        for screen in screens()
        for field in screen.model._meta.concrete_fields
        if any(name in field.name for name in names)
    ]


@pytest.mark.parametrize("lookup", ["startswith", "gt", "regex"])
def test_no_list_can_be_filtered_by_what_opens_something(keys: dict[str, str], viewer: User, lookup: str) -> None:
    client = logged_in(viewer)
    assert hidden_columns()
    for screen, name in hidden_columns():
        assert client.get(f"{below(screen)}?{name}__{lookup}=a").status_code == 400, (label(screen.model), name)
    assert client.get("/admin/orders/webhookendpoint/?url__startswith=https").status_code == 200


def test_the_control_django_would_tell_a_secret_letter_by_letter(
    keys: dict[str, str], viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(Screen, "lookup_allowed", ModelAdmin.lookup_allowed)
    client = logged_in(viewer)
    guesses = {letter: client.get(f"/admin/orders/webhookendpoint/?secret__startswith={letter}") for letter in "wx"}
    assert {letter: b"hooks.example.com" in page.content for letter, page in guesses.items()} == {"w": True, "x": False}


@pytest.mark.skipif(not LONG, reason="draws every page of the admin; run by `make promises`")
def test_who_may_see_records_of_nobody_sees_nobody(world: World, billing: BillingService) -> None:
    owner = Owner(world)
    keys, things, found = records(owner), owner.things(), {}
    user = UserFactory.create(is_staff=True)
    client = logged_in(user)
    for screen in screens():
        name = label(screen.model)
        user.user_permissions.set(permissions([name.replace(".", ".view_")]))
        pages = [client.get(below(screen) + page) for page in ("", f"{keys[name]}/change/", f"{keys[name]}/history/")]
        if things.marks_in("".join(page.content.decode() for page in pages)):
            found[name] = [page.status_code for page in pages]
    assert found.keys() == ABOUT_PEOPLE

"""Who asks for what is somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from core.clock import now
from customers.models import SCOPES, User
from customers.services import create_token
from tests.browsers import CHROME
from tests.customers.member import account
from tests.factories import UserFactory
from tests.world import Shopper, World

NOBODY, GUEST, CUSTOMER = "nobody", "another guest", "another customer"
STAFF, OTHER_STAFF, TOKEN = "staff without permissions", "staff with all other permissions", "a token for nothing"
ACTORS = (NOBODY, GUEST, CUSTOMER, STAFF, OTHER_STAFF, TOKEN)
Headers = dict[str, str]
ELSEWHERE = "203.0.113.66"
"""None of the networks that are let in."""


class Actor:
    """A browser or a program. What it does is taken back at once, so that each request finds it as it was."""

    def __init__(self, name: str, client: Client, headers: Headers | None = None, able: User | None = None) -> None:
        self.name, self.client, self.headers, self.able = name, client, headers or {}, able

    @contextmanager
    def lacking(self, names: Sequence[str]) -> Iterator[None]:
        """Who may do everything lacks these permissions for the length of a `with` block."""
        taken = permissions(names) if self.able else []
        if self.able and taken:
            self.able.user_permissions.remove(*taken)
        yield
        if self.able and taken:
            self.able.user_permissions.add(*taken)

    def ask(self, method: str, path: str, body: Any = None, **more: str) -> Any:
        """One request, as a page of our own would send it; JSON outside the admin."""
        send = {} if body is None else {"data": body, "content_type": "application/json"}
        with taken_back(self.client):
            return getattr(self.client, method)(path, headers=self.headers | more, REMOTE_ADDR=ELSEWHERE, **send)

    def fill_in(self, path: str, fields: dict[str, str]) -> Any:
        """A form, sent."""
        with taken_back(self.client):
            return self.client.post(path, fields, headers=self.headers, REMOTE_ADDR=ELSEWHERE)


@contextmanager
def taken_back(client: Client) -> Iterator[None]:
    """What happens in a `with` block happened to nobody: rows and cookies are as before. Within a transaction."""
    before = SimpleCookie({name: morsel.value for name, morsel in client.cookies.items()})
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = before


def actors(world: World) -> dict[str, Actor]:
    """All of them. Those who shop have a visit, a checkout and an order of their own, whose token they show."""
    able = member_of_staff()
    return {
        NOBODY: Actor(NOBODY, Client(headers={"user-agent": CHROME})),
        GUEST: shopper(GUEST, Shopper(), world),
        CUSTOMER: shopper(CUSTOMER, logged_in(Shopper(), account("grace@example.com")), world),
        STAFF: Actor(STAFF, logged_in(Shopper(), UserFactory.create(is_staff=True)).client),
        OTHER_STAFF: Actor(OTHER_STAFF, logged_in(Shopper(), able).client, able=able),
        TOKEN: Actor(TOKEN, Client(), {"authorization": f"Bearer {token_for_nothing()}"}),
    }


def shopper(name: str, someone: Shopper, world: World) -> Actor:
    """Somebody who has bought something too."""
    token = someone.buy(world)["orderToken"]
    someone.checkout((world.mug, 1))
    return Actor(name, someone.client, {"x-order-token": token})


def logged_in(someone: Shopper, user: User) -> Shopper:
    """The same with a login."""
    someone.client.force_login(user)
    return someone


def member_of_staff(**fields: Any) -> User:
    """Somebody who may do everything by their permissions, and is no superuser."""
    user = UserFactory.create(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.all())
    return user


def token_for_nothing() -> str:
    """A token of somebody who may do all that tokens are for; this one is for none of it."""
    owner = UserFactory.create(is_staff=True)
    owner.user_permissions.set(permissions(SCOPES))
    return create_token(user=owner, name="old", scopes=[], expires_at=now() + timedelta(days=1), now=now())[1]


def permissions(names: Iterable[str]) -> list[Permission]:
    """Permissions by their names, as `orders.view_order`. Some models have not all of them."""
    found = Permission.objects.select_related("content_type")
    wanted = [name.split(".") for name in names]
    return [each for each in found if [each.content_type.app_label, each.codename] in wanted]

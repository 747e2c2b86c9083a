"""Staff at the door of the admin, with browsers, passwords and codes."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from core.clock import now
from customers.models import User
from customers.services import Origin, enrol
from customers.services.second_factor import STEP_SECONDS, new_secret
from tests.browsers import CHROME
from tests.factories import PASSWORD, UserFactory

LOGIN, CODE, ENROL = "/admin/login/", "/admin/login/code/", "/admin/login/second-factor/"
MINE, OWN_PASSWORD = "/admin/second-factor/", "/admin/password_change/"
BOSS = "boss@example.com"
HERE = Origin("203.0.113.9", "/admin/login/")


class Person:
    """A member of staff at a browser. With `secret` they have an app that shows codes."""

    def __init__(self, user: User, secret: str = "") -> None:
        self.user, self.secret = user, secret
        self.client = browser()

    def log_in(self, password: str = PASSWORD, *, onward: str = "", address: str = "203.0.113.9") -> Any:
        """The first step."""
        query = f"?next={onward}" if onward else ""
        body = {"username": self.user.email, "password": password}
        return self.client.post(LOGIN + query, body, REMOTE_ADDR=address)

    def show(self, code: str, **more: str) -> Any:
        """The second."""
        return self.client.post(CODE, {"code": code} | more)

    def do(self, name: str, **fields: str) -> Any:
        """Something on *My second factor*."""
        typed = {f"{name}-{field}": text for field, text in fields.items()}
        return self.client.post(MINE, {"do": name} | typed)

    def code(self, steps: int = 0) -> str:
        """What the app shows so many half minutes from now."""
        return code_of(self.secret, steps)

    @property
    def is_in(self) -> bool:
        """Whether the admin knows them: it sends anybody else to its door, whatever they ask for."""
        return bool(self.client.get("/admin/no-such-page/").status_code == 404)


def browser(address: str = "203.0.113.9") -> Client:
    """A browser that nobody knows."""
    return Client(REMOTE_ADDR=address, headers={"user-agent": CHROME})


def code_of(secret: str, steps: int = 0) -> str:
    """The code of a secret so many half minutes from now."""
    return pyotp.TOTP(secret).generate_otp(int(now().timestamp()) // STEP_SECONDS + steps)


def boss(**fields: Any) -> Person:
    """A superuser without a second factor."""
    return Person(UserFactory.create(email=BOSS, is_staff=True, is_superuser=True, **fields))


def careful_boss() -> tuple[Person, list[str]]:
    """One with a second factor whose last code was used a minute ago, and the recovery codes."""
    person = boss()
    person.secret = new_secret()
    codes = enrol(user=person.user, secret=person.secret, code=person.code(), origin=HERE, now=now())
    person.user.second_factor.last_step -= 2
    person.user.second_factor.save()
    return person, codes


def told(user: User) -> list[str]:
    """What the admin's log says of an account, the oldest first."""
    entries = LogEntry.objects.filter(object_id=str(user.pk), content_type__model="user").order_by("pk")
    return list(entries.values_list("change_message", flat=True))


def passwords_compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that are compared with a stored one from now on."""
    found: list[str] = []
    verify = Argon2PasswordHasher.verify

    def noted(self: Any, password: str, encoded: str) -> bool:
        found.append(password)
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "verify", noted)
    return found

"""Somebody with an account, a browser that enforces CSRF, and a mailbox."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail as django_mail
from django.test import Client

from core import mail
from core.clock import now
from customers.models import Customer, User
from customers.services import link_customer
from tests.browsers import CHROME
from tests.factories import PASSWORD, UserFactory
from tests.world import Shopper

TOKEN = re.compile(r"(\S+)/(verify|reset)#(\S+)")
OTHER_PASSWORD = "another-horse-91"


class Member(Shopper):
    """A shopper who may have an account. Once logged in, the CSRF token goes with each request."""

    def __init__(self, email: str = "", **headers: str) -> None:
        super().__init__(**headers)
        self.client = Client(enforce_csrf_checks=True, headers={"user-agent": CHROME, **headers})
        self.email = email or self.email
        self.csrf = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if method != "get" and body is None:
            body = {}  # the test client would call nothing a form
        return super().call(method, path, body, **({"X-CSRFToken": self.csrf} if self.csrf else {}), **headers)

    def register(self, password: str = PASSWORD, **more: str) -> Any:
        return self.post("/storefront/auth/register", {"email": self.email, "password": password} | more)

    def verify(self, token: str, password: str = PASSWORD) -> Any:
        return self.post("/storefront/auth/verify-email", {"token": token, "password": password})

    def log_in(self, password: str = PASSWORD, **headers: str) -> Any:
        answer = self.post("/storefront/auth/login", {"email": self.email, "password": password}, **headers)
        if answer.status_code == 200:
            self.csrf = answer.json()["data"]["csrfToken"]
        return answer

    def ask_for_reset(self) -> Any:
        return self.post("/storefront/auth/password/reset", {"email": self.email})

    def reset(self, token: str, password: str = OTHER_PASSWORD) -> Any:
        return self.post("/storefront/auth/password/reset/confirm", {"token": token, "password": password})

    def change(self, **fields: Any) -> Any:
        return self.call("patch", "/storefront/account", fields)

    def account(self) -> Any:
        return self.get("/storefront/account")

    def order_numbers(self) -> list[str]:
        """The orders that are shown to them."""
        return [order["number"] for order in self.get("/orders").json()["data"]["items"]]

    @property
    def customer(self) -> Customer:
        """The row."""
        return Customer.objects.with_email(self.email).get()


def member(email: str = "ada@example.com") -> Member:
    """Somebody with a proven account, not logged in."""
    account(email)
    return Member(email)


def logged_in(email: str = "ada@example.com") -> Member:
    """The same, logged in."""
    found = member(email)
    assert found.log_in().status_code == 200
    return found


def account(email: str = "ada@example.com", **fields: Any) -> User:
    """A proven account; its password is `PASSWORD`."""
    user = UserFactory.create(email=email, **fields)
    link_customer(user, since=now())
    return user


def mails() -> list[Any]:
    """Sends what waits; the mails that went out by this."""
    before = len(django_mail.outbox)
    mail.send_due(now=now())
    return django_mail.outbox[before:]


def token_in(message: Any) -> str:
    """The token of the link in a mail."""
    found = TOKEN.search(str(message.body))
    assert found, message.body
    return found[3]


def proven(email: str, password: str = PASSWORD) -> Member:
    """Somebody who registers, reads the mail and confirms."""
    someone = Member(email)
    assert someone.register(password).status_code == 202
    assert someone.verify(token_in(mails()[-1]), password).status_code == 200
    return someone

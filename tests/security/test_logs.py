"""No test may log somebody or a secret (`discreet_logs` in tests/conftest.py): here, that it would be noticed."""

from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection
from django.db.utils import DatabaseErrorWrapper
from django.test import Client

from customers.models import User
from sessions_app.tokens import sign
from tests.factories import PASSWORD, UserFactory
from tests.logs import collected, leaks, seen
from tests.world import Shopper

log = logging.getLogger(__name__)
EMAIL = "ada@people.example"


@pytest.fixture
def discreet_logs() -> None:
    """Here people are logged, to see that it is noticed."""


@pytest.mark.parametrize(
    "line",
    [
        f"sent to {EMAIL}",
        "for Ada Byron, 1 High Street",
        f"key {settings.SECRET_KEY}",
        f"secret {settings.BILLING_WEBHOOK_SECRETS[0]}",
        f"typed {PASSWORD}",
    ],
    ids=["e-mail", "name and address", "key", "secret of webhooks", "password"],
)
def test_control_a_line_that_names_somebody_or_a_secret_is_noticed(line: str) -> None:
    assert leaks([line]) == [line]


def test_control_a_token_that_was_given_out_is_noticed() -> None:
    token = sign(uuid4(), purpose="session")
    assert leaks([f"cookie={token}"]) == []
    seen(token)
    assert leaks([f"cookie={token}"]) == [f"cookie={token}"]


@pytest.mark.django_db
def test_control_tokens_and_login_of_a_shopper_are_known_to_the_search(shopper: Shopper) -> None:
    token = shopper.visit()["token"]
    assert leaks([f"session {token}"]) != []


def test_control_what_an_error_says_is_noticed_and_what_its_code_says_is_not() -> None:
    with collected() as collector:
        try:
            raise ValueError(EMAIL)
        except ValueError:
            log.exception("a bug")
        try:
            raise ValueError("somebody")  # ada@people.example stands in this line of code alone
        except ValueError:
            log.exception("a bug")
    assert [bool(leaks([line])) for line in collector.lines] == [True, False]


def test_ids_and_addresses_of_networks_are_nobody() -> None:
    lines = [f"order {uuid4()} of ORD-0123456789", "limit login is reached, from 203.0.113.0/24", "celery@host ready"]
    assert leaks(lines) == []


@pytest.mark.django_db
def test_an_error_of_the_database_does_not_say_the_row() -> None:
    UserFactory.create(email=EMAIL)
    with pytest.raises(IntegrityError) as caught:
        User.objects.create(email=EMAIL)
    assert "duplicate key value violates unique constraint" in str(caught.value)
    assert EMAIL not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.django_db
def test_an_error_of_the_database_does_not_say_the_text_that_is_no_number() -> None:
    with pytest.raises(DatabaseError, match="invalid input syntax for type integer") as caught:
        connection.cursor().execute("SELECT %s::text::integer", [EMAIL])
    assert EMAIL not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.django_db
def test_control_the_database_itself_says_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "wrap_database_errors", DatabaseErrorWrapper(connection))
    UserFactory.create(email=EMAIL)
    with pytest.raises(IntegrityError, match=EMAIL):
        User.objects.create(email=EMAIL)


@shared_task
def failing(*args: str) -> None:
    raise RuntimeError


def test_a_task_that_fails_does_not_say_what_it_was_given() -> None:
    with collected() as collector:
        failing.apply((EMAIL,))
    assert any("RuntimeError" in line for line in collector.lines)
    assert leaks(collector.lines) == []


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.example", "a b", "shop.example\r\nX: 1"])
def test_what_a_stranger_sends_begins_no_line_of_its_own(host: str) -> None:
    with collected() as collector:
        Client().get("/no-such-page\nERROR forged", headers={"host": host, "x-request-id": "a\nERROR forged-by-id"})
    assert [line for line in collector.lines if "\nERROR forged" in line] == []

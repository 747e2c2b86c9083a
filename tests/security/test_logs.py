"""No test may log somebody or a secret (`discreet_logs` in tests/conftest.py): here, that it would be noticed."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from secrets import token_urlsafe
from uuid import uuid4

import pytest
from celery import shared_task
from django.conf import LazySettings, settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import DatabaseError, IntegrityError, connection
from django.db.utils import DatabaseErrorWrapper
from django.test import Client

from core.timed_links import sign_claims
from customers.models import User
from customers.services.second_factor import new_code, new_secret
from orders.outbox import new_secret as subscribers_secret
from orders.tokens import access_token
from sessions_app.tokens import sign
from tests.deploy.service import Service, listening
from tests.factories import PASSWORD, UserFactory
from tests.faults.shop import Process, command_of
from tests.logs import collected, leaks, seen
from tests.promises.processes import Running, until
from tests.security.web import web
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
        "city=Mark-city",
        "from mark-referrer.example",
        f"visit {sign(uuid4(), purpose='session')}",
        f"link {sign_claims({'user': 7}, salt='customers.reset')}",
        f"endpoint {subscribers_secret()}",
        f"Bearer ff_{token_urlsafe(32)}",
        f"enrolled {new_secret()}",
        f"code {new_code()}",
        f"password {Argon2PasswordHasher().encode(PASSWORD, 'salt' * 4)}",
    ],
    ids=[
        *(
            "e-mail",
            "name and address",
            "key",
            "secret of webhooks",
            "password",
            "mark",
            "mark in small letters",
            "visit",
        ),
        *("link", "secret of a subscriber", "API token", "key of a second factor", "recovery code", "stored password"),
    ],
)
def test_control_a_line_that_names_somebody_or_a_secret_is_noticed(line: str) -> None:
    assert leaks([line]) == [line]


ADDRESSES = {
    "DATABASE_URL": "postgres://shop:a%2Fb-postgres@db.example.com/shop",
    "REDIS_URL": "redis://:of-redis@redis.example.com/0",
    "QUEUES_URL": "redis://:of-queues@redis.example.com/1",
    "EMAIL_HOST_PASSWORD": "of-mails",
    "SENTRY_DSN": "https://of-sentry@sentry.example.com/1",
}


@pytest.mark.parametrize("secret", ["a/b-postgres", "a%2Fb-postgres", "of-redis", "of-queues", "of-mails", "of-sentry"])
def test_control_a_password_of_a_server_is_noticed(secret: str, settings: LazySettings) -> None:
    assert leaks([f"cannot reach {secret}"]) == []
    for name, value in ADDRESSES.items():
        setattr(settings, name, value)
    assert leaks([f"cannot reach {secret}"]) != []


def test_control_a_token_that_was_given_out_is_noticed() -> None:
    token = access_token(uuid4())
    assert leaks([f"cookie={token}"]) == []
    seen(token)
    assert leaks([f"cookie={token}"]) == [f"cookie={token}"]


@pytest.mark.django_db
def test_control_tokens_and_login_of_a_shopper_are_known_to_the_search(shopper: Shopper) -> None:
    token = shopper.visit()["token"]
    assert leaks([f"session {token}"]) != []


@pytest.mark.django_db
def test_control_the_login_of_whoever_uses_a_browser_is_known_to_the_search() -> None:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True))
    client.get("/admin/")
    assert leaks([f"session {client.session.session_key}"]) != []


def leaky(log: Path) -> None:
    """Somebody stands in what a process wrote."""
    log.write_text(f"sent to {EMAIL}\n")


def test_control_a_worker_that_names_somebody_is_noticed_when_it_ends(tmp_path: Path) -> None:
    worker = Running("background", "--help", folder=tmp_path)
    worker.process.wait(60)
    leaky(worker.log)
    with pytest.raises(AssertionError, match=EMAIL):
        worker.kill()


def test_control_a_web_process_that_names_somebody_is_noticed_when_it_ends(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=EMAIL), web(tmp_path, {}):
        leaky(next(tmp_path.glob("web-*.log")))


def test_control_a_service_that_names_somebody_is_noticed_when_it_ends(tmp_path: Path) -> None:
    with listening() as listens:
        service = Service("web", listens, tmp_path)
        service.start()
        leaky(service.said)
        with pytest.raises(AssertionError, match=EMAIL):
            service.kill()


def test_control_a_process_under_load_that_names_somebody_is_noticed_when_it_ends(tmp_path: Path) -> None:
    process = Process("beat", command_of("celery --help", 0), os.environ, tmp_path / "beat.log")
    process.start()
    until(process.ended, "it has said all")
    leaky(process.log)
    with pytest.raises(AssertionError, match=EMAIL):
        process.kill()


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

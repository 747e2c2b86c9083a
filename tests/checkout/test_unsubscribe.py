"""One click ends the reminders to an address: for mail programs by POST, for people by a button, for scanners not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client

from checkout.models import CheckoutSession, ReminderAddress
from checkout.services import allow_again
from core.clock import now
from sessions_app.models import VisitorSession
from tests.browsers import CHROME
from tests.checkout.leaving import leave, remind, sent
from tests.world import Shopper, World

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def message(world: World, shopper: Shopper) -> Any:
    """A reminder that was sent."""
    leave(shopper, world)
    remind()
    return sent()[0]


def path_of(message: Any) -> str:
    """The path of the link in its header."""
    address: str = message.message()["List-Unsubscribe"].strip("<>")
    return address.partition("://")[2].partition("/")[2].join(("/", ""))


def unsubscribed() -> bool:
    return ReminderAddress.objects.filter(unsubscribed_at__isnull=False).exists()


def stranger() -> Client:
    """A mail program: no cookies, and CSRF is enforced."""
    return Client(enforce_csrf_checks=True)


def test_the_mail_says_how_to_unsubscribe_in_one_click(message: Any) -> None:
    raw = message.message()
    assert raw["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert raw["List-Unsubscribe"].strip("<>") in str(message.body)
    assert message.to[0] not in raw["List-Unsubscribe"]


@pytest.mark.parametrize("body", ["List-Unsubscribe=One-Click", ""])
def test_a_post_unsubscribes_and_may_come_again(message: Any, body: str) -> None:
    answers = [stranger().post(path_of(message), body, content_type=FORM) for _time in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert unsubscribed()
    assert answers[0].cookies == {}


def test_a_get_only_shows_a_button(message: Any) -> None:
    answer = stranger().get(path_of(message))
    assert answer.status_code == 200
    assert b'<form method="post">' in answer.content
    assert not unsubscribed()
    assert answer["Referrer-Policy"] == "no-referrer"


def test_neither_is_a_visit(message: Any) -> None:
    visits = VisitorSession.objects.count()
    client = Client(headers={"user-agent": CHROME})
    client.get(path_of(message))
    client.post(path_of(message))
    assert (client.cookies, VisitorSession.objects.count()) == ({}, visits)


@pytest.mark.parametrize("token", ["1", "1:AAAA", "x"])
def test_a_link_that_is_not_ours_is_not_found(message: Any, token: str) -> None:
    forged = ReminderAddress.objects.get().pk if token == "x" else token
    signed = Signer(salt="another").sign(str(forged)) if token == "x" else token
    path = f"/api/v1/checkout/reminders/unsubscribe/{signed}"
    assert [stranger().get(path).status_code, stranger().post(path).status_code] == [404, 404]
    assert not unsubscribed()


def test_the_page_is_in_the_readers_language(message: Any) -> None:
    answer = Client(headers={"accept-language": "vi"}).get(path_of(message))
    assert "Không nhận thư nhắc nữa?" in answer.content.decode()


def test_who_unsubscribed_is_not_reminded_again(message: Any, world: World, shopper: Shopper) -> None:
    stranger().post(path_of(message))
    ReminderAddress.objects.update(reminded_at=None)
    leave(shopper, world)
    assert remind() == 0


def test_who_unsubscribes_before_it_is_sent_gets_none(world: World, shopper: Shopper) -> None:
    leave(shopper, world)
    remind()
    ReminderAddress.objects.update(unsubscribed_at=now())
    assert sent() == []


def test_an_address_that_was_erased_unsubscribes_without_harm(message: Any) -> None:
    ReminderAddress.objects.all().delete()
    assert stranger().post(path_of(message)).status_code == 200


def test_an_address_that_is_allowed_again_is_reminded_again(message: Any, world: World, shopper: Shopper) -> None:
    stranger().post(path_of(message))
    address = ReminderAddress.objects.get()
    assert [allow_again(address_id=address.pk) for _time in range(2)] == [True, False]
    ReminderAddress.objects.update(reminded_at=None)
    CheckoutSession.objects.update(reminder="asked")
    assert remind() == 1

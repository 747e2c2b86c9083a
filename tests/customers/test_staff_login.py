"""The door of the admin: how often passwords are tried, whom that shuts out, and what the log says."""

from __future__ import annotations

import re

import pytest
from django import conf
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session

from customers.services import staff_login
from tests.core.limited import limit
from tests.customers.member import Member, account
from tests.customers.staff import (
    BOSS,
    LOGIN,
    OWN_PASSWORD,
    Person,
    boss,
    browser,
    careful_boss,
    passwords_compared,
    told,
)
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
WRONG = "a-wrong-horse-55"
SHIPPED = conf.settings.RATE_LIMITS


@pytest.fixture(autouse=True)
def limits(settings: LazySettings) -> None:
    """Three, where a shop has ten: each try takes a while."""
    limit(settings, staff_login="3/hour")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a stored one."""
    return passwords_compared(monkeypatch)


def guess(number: int, email: str = BOSS, first: int = 0) -> list[int]:
    """So many wrong passwords, each from another address; the answers' states."""
    bodies = [{"username": email, "password": f"{WRONG}-{place}"} for place in range(number)]
    addresses = [f"198.51.{100 + place // 250}.{place % 250 + 1}" for place in range(first, first + number)]
    return [browser(at).post(LOGIN, body).status_code for at, body in zip(addresses, bodies, strict=True)]


def test_ten_passwords_an_hour_are_tried_on_an_account_from_wherever(
    checked: list[str], settings: LazySettings
) -> None:
    settings.RATE_LIMITS = SHIPPED
    boss()
    assert guess(15) == [200] * 10 + [429] * 5
    assert len(checked) == 10


@pytest.mark.parametrize("written", ["BOSS@example.com", "boss@EXAMPLE.com", " boss@example.com "])
def test_other_spellings_of_the_address_are_the_same_account(written: str, checked: list[str]) -> None:
    boss()
    guess(3)
    assert guess(1, written, first=20) == [429]
    assert len(checked) == 3


def test_a_right_password_is_refused_too_once_too_many_were_tried() -> None:
    person = boss()
    guess(3)
    answer = person.log_in()
    assert (answer.status_code, person.is_in) == (429, False)


def test_the_page_says_when_to_come_again() -> None:
    person = boss()
    guess(3)
    answer = person.log_in()
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert re.search(r"come again in (59|60) minutes", answer.content.decode())


def test_an_account_that_is_there_looks_like_one_that_is_not() -> None:
    boss()
    pages = [browser().post(LOGIN, {"username": email, "password": WRONG}) for email in (BOSS, "no@example.com")]
    there, not_there = (re.sub(r"csrf\S+ value=\S+|value=\"\S+@\S+\"", "", page.content.decode()) for page in pages)
    assert there == not_there
    assert guess(4, "no@example.com") == [200] * 2 + [429] * 2


def test_an_address_tries_so_often_whatever_the_accounts(settings: LazySettings) -> None:
    limit(settings, login="3/minute")
    bodies = [{"username": f"{place}@example.com", "password": WRONG} for place in range(4)]
    assert [browser().post(LOGIN, body).status_code for body in bodies] == [200] * 3 + [429]


# Whom it does not shut out


def test_a_browser_that_has_logged_in_is_not_shut_out_by_strangers() -> None:
    person = boss()
    person.log_in()
    person.client.post("/admin/logout/")
    guess(4)
    assert person.log_in().status_code == 302
    assert person.is_in


def test_control_without_its_cookie_that_browser_is_shut_out(settings: LazySettings) -> None:
    person = boss()
    person.log_in()
    person.client.post("/admin/logout/")
    del person.client.cookies[settings.DEVICE_COOKIE_NAME]
    guess(4)
    assert person.log_in().status_code == 429


def test_such_a_browser_has_tries_of_its_own(checked: list[str]) -> None:
    person = boss()
    person.log_in()
    answers = [person.log_in(WRONG).status_code for _try in range(5)]
    assert answers == [200] * 3 + [429] * 2
    assert len(checked) == 1 + 3


def test_its_cookie_is_of_no_use_for_another_account() -> None:
    person, other = boss(), Person(UserFactory.create(email="other@example.com", is_staff=True))
    person.log_in()
    guess(3, "other@example.com")
    other.client = person.client
    assert other.log_in().status_code == 429


@pytest.mark.parametrize("forged", ["", "x", "WzEsIngiLCIiLDBd:1tXyZ:abc"])
def test_a_forged_cookie_is_none(forged: str, settings: LazySettings) -> None:
    person = boss()
    guess(3)
    person.client.cookies[settings.DEVICE_COOKIE_NAME] = forged
    assert person.log_in().status_code == 429


def test_the_cookie_is_for_no_script(settings: LazySettings) -> None:
    cookie = boss().log_in().cookies[settings.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


# Other doors


def test_the_login_of_the_shop_tries_no_password_of_staff(checked: list[str]) -> None:
    boss()
    right, wrong = (Member(BOSS).log_in(password) for password in (PASSWORD, WRONG))
    assert (right.status_code, wrong.status_code) == (401, 401)
    assert right.json()["message"] == wrong.json()["message"]
    assert checked == []


def test_the_door_of_staff_tries_no_password_of_a_customer(checked: list[str]) -> None:
    account()
    right, wrong = (browser().post(LOGIN, {"username": "ada@example.com", "password": p}) for p in (PASSWORD, WRONG))
    assert (right.status_code, wrong.status_code) == (200, 200)
    assert checked == []


def test_an_open_browser_is_no_place_to_try_passwords(checked: list[str]) -> None:
    person = boss()
    person.log_in()
    body = {"old_password": WRONG, "new_password1": "x", "new_password2": "y"}
    answers = [person.client.post(OWN_PASSWORD, body) for _try in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert "come again in" in answers[-1].content.decode()
    assert len(checked) == 1 + 3


def test_one_changes_ones_own_password_and_other_logins_end() -> None:
    person = boss()
    person.log_in()
    elsewhere = Person(person.user)
    elsewhere.log_in()
    new = "another-horse-91"
    body = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert person.client.post(OWN_PASSWORD, body).status_code == 302
    assert (person.is_in, elsewhere.is_in) == (True, False)
    assert told(person.user)[-1] == "Own password changed."


@pytest.mark.parametrize("written", ["{}", "0{}", " {}"])
def test_a_superusers_own_password_takes_the_old_one_too(written: str) -> None:
    person = boss()
    person.log_in()
    new = "another-horse-91"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    answer = person.client.post(f"/admin/customers/user/{written.format(person.user.pk)}/password/", form)
    assert answer["Location"] == OWN_PASSWORD
    person.user.refresh_from_db()
    assert person.user.check_password(PASSWORD)


def test_control_without_the_count_every_password_is_tried(monkeypatch: pytest.MonkeyPatch, checked: list[str]) -> None:
    monkeypatch.setattr(staff_login, "count_guess", lambda *_counted: None)
    boss()
    assert guess(6) == [200] * 6
    assert len(checked) == 6


# What comes of it


def test_logging_in_leads_to_the_page_that_was_asked_for() -> None:
    person = boss()
    page = "/admin/customers/user/"
    asked = person.client.get(page)
    assert asked["Location"] == f"{LOGIN}?next={page}"
    assert person.log_in(onward=page)["Location"] == page


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_and_never_to_another_site(onward: str) -> None:
    assert boss().log_in(onward=onward)["Location"] == "/admin/"


def test_the_sessions_key_is_another_after_the_login() -> None:
    person = boss()
    person.client.session.save()
    planted = person.client.session.session_key
    person.log_in()
    assert person.client.session.session_key != planted
    assert not Session.objects.filter(pk=planted).exists()


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"is_staff": False}, {"is_staff": False, "is_superuser": False}]
)
def test_who_is_no_active_staff_is_not_let_in(fields: dict[str, bool]) -> None:
    person = boss()
    vars(person.user).update(fields)
    person.user.save()
    assert person.log_in().status_code == 200
    assert not person.is_in


def test_the_log_tells_of_logins_of_wrong_passwords_and_once_that_there_were_too_many() -> None:
    person = boss()
    person.log_in()
    guess(5)
    lines = told(person.user)
    assert lines[:2] == ["Logged in, from 203.0.113.0/24.", "Log-in refused: wrong password, from 198.51.100.0/24."]
    assert lines[-1].startswith("Too many tries (staff_login)")
    assert len(lines) == 1 + 2 + 1
    assert LogEntry.objects.filter(user=person.user).count() == len(lines)


def test_no_password_stands_in_the_log() -> None:
    person, _codes = careful_boss()
    person.log_in(WRONG)
    assert WRONG not in " ".join(told(person.user))
